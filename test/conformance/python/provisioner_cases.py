"""The calls of DeerFlow's backend, and what it makes of the answers: by the provisioner, as since February 2026."""

import base64
import hashlib
import json
import urllib.error
import urllib.request
import uuid

from cases import case, refused

GROUP = "a backend with provisioner_url"


@case("creates a sandbox, finds it running, and reaches it by its URL")
def life(box):
    with Backend(box) as backend:
        assert backend.info["status"] == "Running", backend.info
        found = backend.ask("GET", f"/api/sandboxes/{backend.id}")
        assert found == (200, backend.info), found
        assert backend.ready()
        assert backend.execute("echo here") == "here\n"


@case("creates the same sandbox again without harm, from several processes at once")
def again(box):
    with Backend(box) as backend:
        backend.client.shell.exec_command(command="touch /tmp/mine")
        for extra in ({}, {"user_id": "someone", "extra_mounts": [], "include_legacy_skills": True}):
            status, info = backend.ask("POST", "/api/sandboxes", {"sandbox_id": backend.id, "thread_id": "t", **extra})
            assert (status, info["sandbox_url"]) == (200, backend.info["sandbox_url"]), info
        assert backend.execute("ls /tmp/mine") == "/tmp/mine\n"


@case("sees its sandbox in the list, and 404 once it is destroyed, twice without an error")
def destroy(box):
    with Backend(box) as backend:
        _, listed = backend.ask("GET", "/api/sandboxes")
        assert backend.id in [one["sandbox_id"] for one in listed["sandboxes"]], listed
        assert listed["count"] == len(listed["sandboxes"])
        for _ in range(2):
            assert backend.ask("DELETE", f"/api/sandboxes/{backend.id}") == (
                200,
                {"ok": True, "sandbox_id": backend.id},
            )
        assert backend.ask("GET", f"/api/sandboxes/{backend.id}")[0] == 404
        with refused(404):
            backend.client.shell.exec_command(command="true")
        assert not backend.ready()


@case("takes ids of 8 and 16 hexadecimal digits, and is told what is wrong with others")
def ids(box):
    with Backend(box) as backend:
        for identity in (str(uuid.uuid4())[:8], hashlib.sha256(b"user:thread").hexdigest()[:16]):
            assert backend.ask("POST", "/api/sandboxes", {"sandbox_id": identity})[0] == 200
            assert backend.ask("DELETE", f"/api/sandboxes/{identity}")[0] == 200
        for wrong in ("", "a/b", "../x", "x" * 65, "ü", None, 7):
            status, body = backend.ask("POST", "/api/sandboxes", {"sandbox_id": wrong})
            assert status == 422 and body["detail"][0]["loc"] == ["body", "sandbox_id"], (wrong, status, body)
        status, body = backend.ask("POST", "/api/sandboxes", {"sandbox_id": "x", "thread_id": "a b"})
        assert status == 422 and body["detail"][0]["loc"] == ["body", "thread_id"], body


@case("asks for health and capabilities")
def service(box):
    with Backend(box) as backend:
        assert backend.ask("GET", "/health") == (200, {"status": "ok"})
        status, offered = backend.ask("GET", "/api/capabilities")
        assert status == 200 and isinstance(offered, dict), offered


@case("runs commands with a long patience for silence", since="0.0.30")
def patience(box):
    with Backend(box) as backend:
        data = backend.client.shell.exec_command(command="echo out; (exit 3)", no_change_timeout=600).data
        assert (data.output, data.exit_code) == ("out\n", 3), data


@case("runs a command with secrets that later commands do not see", since="0.0.30")
def secrets(box):
    with Backend(box) as backend:
        bash = backend.client.bash
        data = bash.exec(command="echo $KEY; echo err >&2; exit 2", env={"KEY": "s3cret"}, hard_timeout=600.0).data
        assert (data.stdout, data.stderr, data.exit_code) == ("s3cret\n", "err\n", 2), data
        assert bash.exec(command="echo [$KEY]", env={"OTHER": "x"}, hard_timeout=600.0).data.stdout == "[]\n"
        assert backend.execute("env | grep -c s3cret") == "0\n"


@case("lists a folder, and tells an empty one from one that is missing", since="0.0.30")
def list_dir(box):
    with Backend(box) as backend:
        backend.execute("mkdir -p /tmp/tree/a '/tmp/tree/b c '")
        assert sorted(backend.list_dir("/tmp/tree")) == ["/tmp/tree", "/tmp/tree/a", "/tmp/tree/b c "]
        assert backend.list_dir("/tmp/gone") is None


@case("gives each of its agents a shell of their own", since="0.0.30")
def scopes(box):
    with Backend(box) as backend:
        shell = backend.client.shell
        first, second = str(uuid.uuid4()), str(uuid.uuid4())
        for session in (first, second):
            assert shell.create_session(id=session).data.session_id == session
        shell.exec_command(command="A=first; cd /usr", id=first, no_change_timeout=600)
        assert shell.exec_command(command="echo [$A]", id=second, no_change_timeout=600).data.output == "[]\n"
        assert shell.exec_command(command="echo $A; pwd", id=first).data.output == "first\n/usr\n"
        for session in (first, second):
            shell.cleanup_session(session)
        assert shell.list_sessions().data.sessions == {}


@case("reads files by lines counted from 0, and pushes uploads as base64", since="0.0.30")
def files(box):
    with Backend(box) as backend:
        file, path = backend.client.file, "/mnt/user-data/uploads/data.csv"
        content = "".join(f"{i}\n" for i in range(10))
        file.write_file(file=path, content=base64.b64encode(content.encode()).decode(), encoding="base64")
        assert file.read_file(file=path, start_line=2, end_line=4).data.content.split() == ["2", "3"]


@case("finds, lists and greps under the paths that it asked for", since="0.0.30")
def search(box):
    with Backend(box) as backend:
        file, root = backend.client.file, "/mnt/user-data/workspace"
        backend.execute(f"mkdir -p {root}/src; echo 'TODO: x' > {root}/src/a.py; touch {root}/.hidden")
        assert file.find_files(path=root, glob="**/*.py").data.files == [f"{root}/src/a.py"]
        listed = file.list_path(path=root, recursive=True, show_hidden=False).data.files
        assert [entry.path for entry in listed] == [f"{root}/src", f"{root}/src/a.py"], listed
        found = file.grep_files(
            path=root,
            pattern="todo",
            case_insensitive=True,
            fixed_strings=False,
            max_results=400,
            max_file_size="1M",
            recursive=True,
        ).data
        assert [(one.file, one.line_number, one.line_content) for one in found.matches] == [
            (f"{root}/src/a.py", 1, "TODO: x")
        ], found
        assert not found.truncated


@case("downloads what an agent made", since="0.0.30")
def download(box):
    with Backend(box) as backend:
        backend.execute("head -c 3000000 /dev/zero > /mnt/user-data/outputs/zeros")
        chunks = backend.client.file.download_file(path="/mnt/user-data/outputs/zeros")
        assert sum(len(chunk) for chunk in chunks) == 3_000_000


class Backend:
    """A sandbox of its own, gone at the end."""

    def __init__(self, box):
        self.box = box
        self.id = uuid.uuid4().hex[:16]

    def __enter__(self):
        status, self.info = self.ask("POST", "/api/sandboxes", {"sandbox_id": self.id, "thread_id": "thread-1"})
        assert status == 200, self.info
        self.client = self.box.connect(self.info["sandbox_url"])
        return self

    def __exit__(self, *_):
        self.ask("DELETE", f"/api/sandboxes/{self.id}")

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            self.box.base_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={} if body is None else {"content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def ready(self):
        try:
            with urllib.request.urlopen(f"{self.info['sandbox_url']}/v1/sandbox", timeout=5) as response:
                return response.status == 200
        except urllib.error.HTTPError as error:
            error.close()
            return False

    def execute(self, command):
        return self.client.shell.exec_command(command=command).data.output

    def list_dir(self, path):
        output = self.client.shell.exec_command(
            command=f"test -d {path!r} || echo __missing__;"
            f" find {path!r} -maxdepth 2 -type f -o -type d 2>/dev/null | head -500",
            no_change_timeout=600,
        ).data.output
        lines = [line for line in output.split("\n") if line]
        return None if "__missing__" in lines else lines
