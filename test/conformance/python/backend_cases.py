"""The calls of DeerFlow's backend, and what it makes of the answers: by the base URL as until February 2026."""

import base64
import shlex
import urllib.request

from cases import case

GROUP = "a backend with base_url"


@case("sees at once that the sandbox is ready")
def ready(box):
    with urllib.request.urlopen(f"{box.base_url}/v1/sandbox", timeout=5) as response:
        assert response.status == 200


@case("gets the output of a command, errors included, and nothing when there is none")
def execute(box):
    backend = Backend(box)
    assert backend.execute("echo out; echo err >&2") == "out\nerr\n"
    assert backend.execute("true") == "(no output)"
    assert backend.execute("cd /mnt/user-data/workspace; pwd") == "/mnt/user-data/workspace\n"


@case("sees OK and no noise in its self-check of a file")
def self_check(box):
    backend, path = Backend(box), f"{box.folder()}/file"
    check = f"test -s {path} && echo OK || echo MISSING"
    assert backend.execute(check).strip() == "MISSING"
    backend.write(path, "x")
    assert backend.execute(check) == "OK\n"


@case("lists two levels of a folder")
def list_dir(box):
    backend, folder = Backend(box), box.folder()
    box.sh(f"mkdir -p {folder}/a/b/c; touch '{folder}/with space' {folder}/a/b/deep")
    listed = backend.list_dir(folder)
    assert sorted(listed) == sorted([folder, f"{folder}/a", f"{folder}/a/b", f"{folder}/with space"]), listed


@case("reads what it wrote: text, more text at its end, and bytes")
def write(box):
    backend, path = Backend(box), f"/mnt/user-data/outputs/{box.name()}/report.md"
    backend.write(path, "# Ü\n")
    backend.write(path, "more\n", append=True)
    assert backend.read(path) == "# Ü\nmore\n"
    backend.update(path, bytes(range(256)))
    assert box.text(f"wc -c < {path}") == "256\n"


@case("is told of a failure by an exception, never by an empty success")
def failures(box):
    backend = Backend(box)
    assert backend.read("/tmp/gone").startswith("Error:")
    try:
        backend.write("/etc/passwd", "x")
    except Exception as error:
        assert len(str(error)) < 1200
    else:
        raise AssertionError("the write seemed to succeed")


@case("finds the folders of user data writable, those of skills not")
def folders(box):
    backend = Backend(box)
    for name in ("workspace", "uploads", "outputs"):
        backend.write(f"/mnt/user-data/{name}/{box.name()}", "x")
    assert backend.execute("touch /mnt/skills/x 2>/dev/null || echo read-only") == "read-only\n"


@case("writes 80 KB of text with every kind of quote")
def large(box):
    backend, path = Backend(box), f"{box.folder()}/page.html"
    content = "<p class=\"x\">it's $HOME `date` \\n</p>\r\n" * 2048
    backend.write(path, content)
    assert backend.read(path) == content


class Backend:
    def __init__(self, box):
        self.client = box.client

    def execute(self, command):
        result = self.client.shell.exec_command(command=command)
        return (result.data.output if result.data else "") or "(no output)"

    def read(self, path):
        try:
            result = self.client.file.read_file(file=path)
            return result.data.content if result.data else ""
        except Exception as error:
            return f"Error: {error}"

    def write(self, path, content, append=False):
        if append:
            content = self.read(path) + content
        self.client.file.write_file(file=path, content=content)

    def update(self, path, content):
        self.client.file.write_file(file=path, content=base64.b64encode(content).decode(), encoding="base64")

    def list_dir(self, path):
        command = f"find {shlex.quote(path)} -maxdepth 2 -type f -o -type d 2>/dev/null | head -500"
        output = self.client.shell.exec_command(command=command).data.output
        return [line.strip() for line in output.strip().split("\n") if line.strip()]
