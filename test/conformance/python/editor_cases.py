from cases import case, refused

GROUP = "the editor"


@case("creates a file, views it with line numbers and ranges, and views a folder")
def view(box):
    path, edit = start(box)
    made = edit(command="create", file_text="one\ntwo\nthree\n").data
    assert made.path == path and not made.prev_exist and made.output, made
    shown = edit(command="view").data
    assert "1\tone" in shown.output.replace(" ", "") and "three" in shown.output, shown
    part = edit(command="view", view_range=[2, 2]).data.output
    assert "two" in part and "one" not in part and "three" not in part, part
    folder = path.rsplit("/", 1)[0]
    assert path in box.client.file.str_replace_editor(command="view", path=folder).data.output


@case("replaces one text, and tells the content before and after")
def replace(box):
    _, edit = start(box, "one\ntwo\n")
    edited = edit(command="str_replace", old_str="two", new_str="2").data
    assert (edited.old_content, edited.new_content, edited.prev_exist) == ("one\ntwo\n", "one\n2\n", True), edited


@case("inserts after a line, and undoes")
def insert(box):
    path, edit = start(box, "one\nthree\n")
    edit(command="insert", insert_line=1, new_str="two")
    assert box.text(f"cat {path}") == "one\ntwo\nthree\n"
    edit(command="undo_edit")
    assert box.text(f"cat {path}") == "one\nthree\n"


@case("replaces all, the first or the last of several when told which")
def modes(box):
    for mode, result in (("ALL", "b b b"), ("FIRST", "b a a"), ("LAST", "a a b")):
        path, edit = start(box, "a a a")
        edit(command="str_replace", old_str="a", new_str="b", replace_mode=mode)
        assert box.text(f"cat {path}") == result, mode


@case("words its failures as clients match them")
def failures(box):
    path, edit = start(box, "a\na\n")
    gone = f"{path}-gone"
    for words, call in (
        (["does not exist", "invalid `path`"], lambda: box.client.file.str_replace_editor(command="view", path=gone)),
        (["did not appear", "no replacement"], lambda: edit(command="str_replace", old_str="zzz", new_str="b")),
        (["not unique", "multiple"], lambda: edit(command="str_replace", old_str="a", new_str="b")),
    ):
        assert kind_of(call) in words, (words, kind_of(call))
    with refused(409):
        edit(command="create", file_text="again")
    assert box.text(f"cat {path}") == "a\na\n"


def kind_of(call):
    """Which of the words that clients look for, in their order, comes first in the message of the failure."""
    from agent_sandbox.core.api_error import ApiError

    order = ["does not exist", "invalid `path`", "did not appear", "no replacement", "not unique", "multiple"]
    try:
        call()
    except ApiError as error:
        message = error.body["message"].lower()
        return next((words for words in order if words in message), message)
    raise AssertionError("it did not fail")


def start(box, content=None):
    path = f"{box.folder()}/file.txt"
    if content is not None:
        box.client.file.write_file(file=path, content=content)

    def edit(**options):
        return box.client.file.str_replace_editor(path=path, **options)

    return path, edit
