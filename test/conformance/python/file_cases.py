import base64
import io

from cases import case, invalid, refused

GROUP = "files"


@case("come back as they were written, in any script, and tell their size")
def round_trip(box):
    path = f"{box.folder()}/deep/er/ümlaut 🦓.txt"
    written = box.client.file.write_file(file=path, content="häé\n🦓\n").data
    assert (written.file, written.bytes_written) == (path, 11), written
    read = box.client.file.read_file(file=path).data
    assert (read.file, read.content) == (path, "häé\n🦓\n"), read


@case("are read by lines: from 0, up to but not including the end")
def lines(box):
    path = f"{box.folder()}/lines"
    box.client.file.write_file(file=path, content="0\n1\n2\n3\n")
    read = box.client.file.read_file(file=path, start_line=1, end_line=3).data
    assert read.content.rstrip("\n") == "1\n2", read


@case("take bytes as base64, and more text at their end")
def encodings(box):
    path = f"{box.folder()}/bytes"
    box.client.file.write_file(file=path, content=base64.b64encode(bytes(range(256))).decode(), encoding="base64")
    assert box.text(f"wc -c < {path}; md5sum < {path}").split()[:2] == ["256", "e2c865db4162bed963bfaa9ef6ac18f0"]
    box.client.file.write_file(file=path, content="one")
    box.client.file.write_file(file=path, content="two", append=True, leading_newline=True, trailing_newline=True)
    assert box.text(f"cat {path}") == "one\ntwo\n"


@case("hold 10 MB written and read at once")
def large(box):
    path, content = f"{box.folder()}/large", "0123456789abcde\n" * 655_360
    assert box.client.file.write_file(file=path, content=content).data.bytes_written == len(content)
    assert box.client.file.read_file(file=path).data.content == content


@case("are replaced in: every occurrence, counted")
def replace(box):
    path = f"{box.folder()}/text"
    box.client.file.write_file(file=path, content="a.b a.b axb")
    replaced = box.client.file.replace_in_file(file=path, old_str="a.b", new_str="$&").data
    assert (replaced.file, replaced.replaced_count) == (path, 2), replaced
    assert box.text(f"cat {path}") == "$& $& axb"


@case("are searched by a regular expression")
def search(box):
    path = f"{box.folder()}/text"
    box.client.file.write_file(file=path, content="def a():\n  pass\ndef b():\n")
    found = box.client.file.search_in_file(file=path, regex=r"^def (\w+)").data
    assert found.file == path and found.line_numbers == [0, 2], found
    assert [line.startswith("def ") for line in found.matches] == [True, True], found


@case("are found by a glob, under the path as it was asked for")
def find(box):
    folder = tree(box)
    found = box.client.file.find_files(path=folder, glob="**/*.py").data
    assert found.path == folder and sorted(found.files) == [f"{folder}/a.py", f"{folder}/sub/b.py"], found


@case("are found by a plain name only where it was asked for")
def plain_name(box):
    folder = tree(box)
    assert box.client.file.find_files(path=folder, glob="a.py").data.files == [f"{folder}/a.py"]
    assert box.client.file.find_files(path=folder, glob="b.py").data.files == []


@case("are listed with what is known of them, under a linked path too")
def listing(box):
    folder = tree(box)
    box.sh(f"ln -s {folder} {folder}-link")
    listed = box.client.file.list_path(path=f"{folder}-link", include_permissions=True).data
    assert listed.path == f"{folder}-link", listed
    entries = {entry.name: entry for entry in listed.files}
    assert set(entries) == {".hidden", "a.py", "sub"}, entries
    assert entries["sub"].is_directory and entries["sub"].path == f"{folder}-link/sub", entries
    assert (entries["a.py"].size, entries["a.py"].extension) == (10, ".py"), entries
    assert (listed.total_count, listed.directory_count, listed.file_count) == (3, 1, 2), listed


@case("are listed below folders, by kind, by size and without hidden ones")
def listing_options(box):
    folder = tree(box)

    def names(**options):
        listed = box.client.file.list_path(path=folder, **options).data.files
        return [entry.name for entry in listed if not entry.is_directory]

    assert set(names(recursive=True, show_hidden=False)) == {"a.py", "b.py", "c.txt"}
    assert names(recursive=True, file_types=[".txt"]) == ["c.txt"]
    assert set(names(recursive=True, max_depth=1)) == {".hidden", "a.py"}
    assert names(recursive=True, file_types=[".py"], sort_by="size", sort_desc=True) == ["a.py", "b.py"]


@case("are searched together by the rules of ripgrep", since="0.0.30")
def grep(box):
    folder = tree(box)
    found = box.client.file.grep_files(
        path=folder, pattern="PRINT", case_insensitive=True, include=["*.py"], context_after=1
    ).data
    assert (found.path, found.pattern, found.truncated) == (folder, "PRINT", False), found
    places = sorted((match.file, match.line_number, match.line_content) for match in found.matches)
    assert places == [(f"{folder}/a.py", 1, "print(1)"), (f"{folder}/sub/b.py", 1, "print(2)")], places
    few = box.client.file.grep_files(path=folder, pattern="print", max_results=1).data
    assert len(few.matches) == 1 and few.truncated, few
    one = box.client.file.grep_files(path=f"{folder}/sub/c.txt", pattern="a.c", fixed_strings=True).data
    assert one.matches == [], one


@case("are found with sizes and times, as many as are wanted", since="0.0.30")
def glob(box):
    folder = tree(box)
    found = box.client.file.glob_files(path=folder, pattern="**/*", sort_by="size", sort_desc=True).data
    assert {one.path for one in found.files} == {f"{folder}/a.py", f"{folder}/sub/b.py", f"{folder}/sub/c.txt"}
    assert (found.pattern, found.total_count, found.truncated) == ("**/*", 3, False), found
    assert all(one.size is not None and one.modified_time for one in found.files), found
    few = box.client.file.glob_files(path=folder, pattern="**/*", max_results=1).data
    assert len(few.files) == 1 and few.truncated, few


@case("are uploaded and downloaded to the byte")
def transfer(box):
    path, content = f"{box.folder()}/up/ü.bin", bytes(range(256)) * 20_000
    uploaded = box.client.file.upload_file(file=("any.bin", io.BytesIO(content)), path=path).data
    assert (uploaded.file_path, uploaded.file_size, uploaded.success) == (path, len(content), True), uploaded
    assert b"".join(box.client.file.download_file(path=path)) == content


@case("are downloaded whole when they are empty")
def empty(box):
    path = f"{box.folder()}/empty"
    box.sh(f"touch {path}")
    assert b"".join(box.client.file.download_file(path=path)) == b""


@case("that are missing, forbidden or of the wrong kind are refused shortly")
def failures(box):
    folder = box.folder()
    file = box.client.file
    box.sh(f"mkfifo {folder}/pipe; ln -s loop {folder}/loop; touch {folder}/file")
    with refused(404):
        file.read_file(file=f"{folder}/gone")
    with refused(400):
        file.read_file(file=folder)
    with refused(400):
        file.read_file(file=f"{folder}/pipe")
    with refused(400):
        file.read_file(file=f"{folder}/loop")
    with refused(400):
        file.write_file(file="relative", content="")
    with refused(400):
        file.write_file(file=f"{folder}/file/below", content="")
    with refused(403):
        file.write_file(file="/etc/passwd", content="")
    with refused(404):
        file.list_path(path=f"{folder}/gone")
    with refused(404):
        file.replace_in_file(file=f"{folder}/gone", old_str="a", new_str="b")
    with refused(404):
        file.search_in_file(file=f"{folder}/gone", regex="a")
    with refused(404):
        list(file.download_file(path=f"{folder}/gone"))
    with refused(400):
        file.search_in_file(file=f"{folder}/file", regex="(")


@case("with text of another encoding are refused, not garbled")
def decode(box):
    path = f"{box.folder()}/latin"
    box.sh(f"printf '\\351' > {path}")
    with refused(400):
        box.client.file.read_file(file=path)


@case("are not told of in a failure by their content")
def no_echo(box):
    try:
        box.client.file.replace_in_file(file="/tmp/gone", old_str="needle-in-request", new_str="b")
    except Exception as error:
        assert "needle-in-request" not in str(error), error


@case("whose fields are of the wrong type get the details that the client parses")
def wrong_types(box):
    details = invalid(lambda: box.client.file.read_file(file=7, start_line="x"))
    assert (["body", "file"], "Input should be a valid string", "string_type") in details, details
    assert any(loc == ["body", "start_line"] for loc, _, _ in details), details
    missing = invalid(lambda: box.client.file.write_file(file="/tmp/x", content=None))
    assert missing[0][0] == ["body", "content"], missing


def tree(box):
    folder = box.folder()
    box.sh(
        f"cd {folder}; mkdir sub; echo 'print(1)' > a.py; echo >> a.py; echo 'print(2)' > sub/b.py;"
        " echo abc > sub/c.txt; echo print > .hidden"
    )
    return folder
