import shlex
import threading
import time

from cases import case, refused

GROUP = "a shell"


@case("gives output and exit code, with nothing around them")
def exact(box):
    data = box.client.shell.exec_command(command="printf 'a\\nb'; exit_me() { return 3; }; exit_me").data
    assert (data.status, data.output, data.exit_code) == ("completed", "a\nb", 3), data
    assert data.command.startswith("printf") and data.session_id


@case("keeps folder, variables and functions in the session of an id")
def state(box):
    session = box.name()
    box.sh("cd /usr; A=1; export B=2; f() { echo \"$A$B$1\"; }", id=session)
    assert box.text("pwd; f 3", id=session) == "/usr\n123\n"


@case("runs in exec_dir")
def exec_dir(box):
    assert box.text("pwd", exec_dir="/usr/share") == "/usr/share\n"


@case("refuses an exec_dir that is missing in strict mode, and tells when it goes on without", since="0.0.30")
def strict(box):
    with refused(400, "exec_dir"):
        box.client.shell.exec_command(command="pwd", exec_dir="/not/there", strict=True)
    answer = box.client.shell.exec_command(command="true", exec_dir="/not/there")
    assert answer.data.exit_code == 0 and "exec_dir" in answer.hint, answer


@case("answers `running` when the soft timeout is over, and goes on")
def soft_timeout(box):
    session = box.name()
    data = box.client.shell.exec_command(
        command="echo begun; sleep 0.6; echo over", id=session, timeout=0.2
    ).data
    assert (data.status, data.output, data.exit_code) == ("running", "begun\n", None), data
    view = finished(box, session)
    assert (view.output, view.exit_code) == ("begun\nover\n", 0), view


@case("answers at once in async mode, and shows the output as it comes")
def async_mode(box):
    session = box.name()
    box.sh("true", id=session)
    begun = time.monotonic()
    data = box.client.shell.exec_command(command="sleep 0.4; echo late", id=session, async_mode=True).data
    assert data.status == "running" and time.monotonic() - begun < 0.4, data
    assert finished(box, session).output == "late\n"


@case("tells that a command is silent without ending it", since="0.0.30")
def silent(box):
    session = box.name()
    data = box.client.shell.exec_command(
        command="sleep 1.4; echo late", id=session, no_change_timeout=1
    ).data
    assert data.status == "no_change_timeout", data
    assert finished(box, session).output == "late\n"


@case("kills a command at the hard timeout, and the session lives on", since="0.0.30")
def hard_timeout(box):
    session = box.name()
    data = box.client.shell.exec_command(
        command="X=1; echo begun; sleep 60", id=session, hard_timeout=0.3
    ).data
    assert data.status == "hard_timeout" and data.output.startswith("begun\n"), data
    assert box.text("echo $X", id=session) == "1\n"


@case("cuts long output in its middle, and not when told so", since="0.0.30")
def truncate(box):
    cut = box.text("seq 100000")
    assert cut.startswith("1\n2\n") and cut.endswith("99999\n100000\n") and len(cut) < 32_000, len(cut)
    whole = box.text("seq 100000", truncate=False)
    assert len(whole) == 588_895, len(whole)


@case("runs a command of a megabyte")
def long_command(box):
    command = f"X={shlex.quote('a b' * 350_000)}; echo ${{#X}}"
    assert box.text(command) == "1050000\n"


@case("creates a session by name, by itself, and the same one again")
def create(box):
    session = box.name()
    made = box.client.shell.create_session(id=session, exec_dir="/usr").data
    assert (made.session_id, made.working_dir) == (session, "/usr"), made
    assert box.client.shell.create_session(id=session).data.session_id == session
    assert box.text("pwd", id=session) == "/usr\n"
    # With nothing to say the client sends no body at all.
    unnamed = box.client.shell.create_session().data
    assert unnamed.session_id and unnamed.working_dir.startswith("/")


@case("lists its sessions, and ends one or all of them")
def sessions(box):
    first, second = box.name(), box.name()
    box.sh("cd /usr", id=first)
    box.sh("true", id=second)
    listed = box.client.shell.list_sessions().data.sessions
    assert {first, second} <= set(listed), listed
    assert listed[first].working_dir == "/usr" and listed[first].age_seconds >= 0, listed[first]
    assert box.client.shell.cleanup_session(first).success
    assert first not in box.client.shell.list_sessions().data.sessions
    assert box.client.shell.cleanup_all_sessions().success
    assert box.client.shell.list_sessions().data.sessions == {}


@case("counts its sessions, and takes another silence for one of them", since="0.0.30")
def stats(box):
    session = box.name()
    box.sh("true", id=session)
    stats = box.client.shell.get_session_stats().data
    assert stats.total_sessions >= 1 and stats.max_sessions >= stats.total_sessions, stats
    assert box.client.shell.update_session(id=session, no_change_timeout=1).success
    data = box.client.shell.exec_command(command="sleep 1.3", id=session).data
    assert data.status == "no_change_timeout", data
    finished(box, session)


@case("waits for a command, no longer than it is told")
def wait(box):
    session = box.name()
    box.client.shell.exec_command(command="sleep 1.6; echo done", id=session, async_mode=True)
    assert box.client.shell.wait_for_process(id=session, seconds=1).data.status == "running"
    assert box.client.shell.wait_for_process(id=session, seconds=10).data.status == "completed"
    assert box.client.shell.view(id=session).data.output == "done\n"


@case("types into a program that reads")
def write(box):
    session = box.name()
    box.client.shell.exec_command(
        command="read -r name; echo \"hello $name\"", id=session, async_mode=True
    )
    wrote = box.client.shell.write_to_process(id=session, input="world", press_enter=True)
    assert wrote.success and wrote.data.status in ("running", "completed"), wrote
    assert finished(box, session).output.endswith("hello world\n")


@case("interrupts a program by the key for it")
def interrupt(box):
    session = box.name()
    box.client.shell.exec_command(command="echo begun; sleep 60", id=session, timeout=0.2)
    box.client.shell.write_to_process(id=session, input="\x03", press_enter=False)
    assert finished(box, session).exit_code == 130


@case("kills what runs in a session, which can be used again")
def kill(box):
    session = box.name()
    box.client.shell.exec_command(command="X=1; sleep 60", id=session, async_mode=True)
    killed = box.client.shell.kill_process(id=session).data
    assert killed.status in ("terminated", "completed"), killed
    if box.version == "0.0.19":
        assert isinstance(killed.returncode, int), killed
    assert box.text("pgrep -s 0 sleep || echo none", id=session) == "none\n"


@case("answers 404 for a session that never was, or was deleted")
def unknown(box):
    deleted = box.name()
    box.sh("true", id=deleted)
    box.client.shell.cleanup_session(deleted)
    for session in (box.name(), deleted):
        with refused(404):
            box.client.shell.view(id=session)
        with refused(404):
            box.client.shell.cleanup_session(session)


@case("reports a bare `exit` at once; the next call gets a fresh shell and is told so")
def bare_exit(box):
    for command, output, code in (("exit", "", 0), ("echo x; exit 0", "x\n", 0), ("exit 7", "", 7)):
        session = box.name()
        data = box.sh(f"A=1; {command}", id=session)
        assert (data.output, data.exit_code) == (output, code), data
        again = box.client.shell.exec_command(command="echo [$A]", id=session)
        assert again.data.output == "[]\n" and again.hint, again


@case("runs commands for one session one after the other, whoever sends them")
def one_session(box):
    session, count = box.name(), 16
    path = f"{box.folder()}/log"
    parallel(
        count,
        lambda i: box.sh(f"echo begin-{i} >> {path}; sleep 0.01; echo end-{i} >> {path}; echo {i}", id=session),
        lambda i, data: data.output == f"{i}\n" and data.exit_code == 0,
    )
    lines = box.text(f"cat {path}").split()
    assert len(lines) == 2 * count, lines
    for begin, end in zip(lines[::2], lines[1::2]):
        assert begin.replace("begin", "end") == end, lines


@case("runs every one of many commands at once without an id, each with its own output")
def no_session(box):
    path, count = f"{box.folder()}/log", 24
    parallel(
        count,
        lambda i: box.sh(f"echo {i} >> {path}; echo out-{i}; (exit {i})"),
        lambda i, data: data.output == f"out-{i}\n" and data.exit_code == i,
    )
    assert sorted(int(line) for line in box.text(f"cat {path}").split()) == list(range(count))


@case("does not wait behind a running command when no id is given")
def never_behind(box):
    box.client.shell.exec_command(command="sleep 3", async_mode=True)
    begun = time.monotonic()
    assert box.text("echo free") == "free\n"
    assert time.monotonic() - begun < 2


@case("makes one session when many create its id at once")
def create_at_once(box):
    session = box.name()
    parallel(
        12,
        lambda i: box.client.shell.create_session(id=session).data,
        lambda i, data: data.session_id == session,
    )
    pids = []
    parallel(4, lambda i: pids.append(box.text("echo $$", id=session)), lambda i, data: True)
    assert len(set(pids)) == 1, pids


@case("refuses a session beyond the limit instead of ending an idle one", since="0.0.30")
def limit(box):
    box.client.shell.cleanup_all_sessions()
    kept = box.name()
    box.sh("KEPT=yes", id=kept)
    most = box.client.shell.get_session_stats().data.max_sessions
    names = [box.name() for _ in range(most - 1)]
    parallel(most - 1, lambda i: box.client.shell.create_session(id=names[i]), lambda i, made: made.success)
    with refused(409):
        box.client.shell.exec_command(command="true", id=box.name())
    assert box.text("echo $KEPT", id=kept) == "yes\n"
    box.client.shell.cleanup_all_sessions()


def finished(box, session):
    """What a session shows once its command has ended."""
    while True:
        view = box.client.shell.view(id=session).data
        if view.status not in ("running", "no_change_timeout"):
            return view
        time.sleep(0.02)


def parallel(count, call, is_right):
    """Makes calls at once, each in a thread of its own; every one must give what is right."""
    wrong = []

    def one(i):
        try:
            result = call(i)
            if not is_right(i, result):
                wrong.append((i, result))
        except Exception as error:
            wrong.append((i, error))

    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:3]
