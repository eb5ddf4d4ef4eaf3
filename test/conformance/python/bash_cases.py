import time

from cases import case, refused

GROUP = "bash"


@case("gives output, errors and exit code apart", since="0.0.30")
def apart(box):
    data = box.client.bash.exec(command="echo out; echo err >&2; exit 4").data
    assert (data.status, data.stdout, data.stderr, data.exit_code) == ("completed", "out\n", "err\n", 4), data
    assert (data.offset, data.stderr_offset) == (4, 4) and data.command_id and data.session_id, data


@case("gives variables to one command only", since="0.0.30")
def env(box):
    session = box.client.bash.exec(command='echo "$TOKEN"', env={"TOKEN": "it's \"$HOME\"\n"}).data
    assert session.stdout == "it's \"$HOME\"\n\n", session
    after = box.client.bash.exec(command="echo [$TOKEN]", session_id=session.session_id).data
    assert after.stdout == "[]\n", after


@case("keeps the folder of a session and nothing else", since="0.0.30")
def folder(box):
    session = box.name()
    box.client.bash.exec(command="A=1", session_id=session, exec_dir="/usr/share")
    after = box.client.bash.exec(command="pwd; echo [$A]", session_id=session).data
    assert after.stdout == "/usr/share\n[]\n", after


@case("answers `running` when the soft timeout is over", since="0.0.30")
def soft_timeout(box):
    data = box.client.bash.exec(command="echo begun; sleep 2", timeout=0.3).data
    assert (data.status, data.stdout, data.exit_code) == ("running", "begun\n", None), data


@case("kills a command and its children at the hard timeout", since="0.0.30")
def hard_timeout(box):
    name = box.name()
    data = box.client.bash.exec(command=f"(exec -a {name} sleep 60) & echo begun; wait", hard_timeout=0.3).data
    assert (data.status, data.stdout) == ("timed_out", "begun\n"), data
    assert box.text(f"pgrep -f '^{name}' || echo none") == "none\n"


@case("cuts long output as far as it is told", since="0.0.30")
def cut(box):
    short = box.client.bash.exec(command="seq 100000", max_output_length=1000).data
    assert len(short.stdout) < 1300 and short.stdout.endswith("100000\n"), len(short.stdout)
    whole = box.client.bash.exec(command="seq 100000", max_output_length=0).data
    assert len(whole.stdout) == whole.offset == 588_895, whole.offset


@case("takes no 404 for anything in exec", since="0.0.30")
def never_404(box):
    with refused(400, "exec_dir"):
        box.client.bash.exec(command="pwd", exec_dir="/not/there")


@case("streams the output of a running command by offsets", since="0.0.30")
def output(box):
    session = box.name()
    started = box.client.bash.exec(
        command="for i in 1 2 3; do echo $i; echo e$i >&2; sleep 0.1; done", session_id=session, async_mode=True
    ).data
    stdout = stderr = ""
    offset = stderr_offset = 0
    while True:
        more = box.client.bash.output(
            session_id=session,
            command_id=started.command_id,
            offset=offset,
            stderr_offset=stderr_offset,
            wait=True,
            wait_timeout=5,
        ).data
        stdout, stderr = stdout + more.stdout, stderr + more.stderr
        offset, stderr_offset = more.offset, more.stderr_offset
        if more.command.status != "running":
            break
    assert (stdout, stderr, more.command.exit_code) == ("1\n2\n3\n", "e1\ne2\ne3\n", 0), more
    assert (offset, stderr_offset) == (6, 9)


@case("long-polls no longer than it is told", since="0.0.30")
def long_poll(box):
    session = box.name()
    box.client.bash.exec(command="sleep 3", session_id=session, async_mode=True)
    begun = time.monotonic()
    more = box.client.bash.output(session_id=session, wait=True, wait_timeout=0.3).data
    assert more.command.status == "running" and 0.25 < time.monotonic() - begun < 2, more


@case("hands input to a running command", since="0.0.30")
def write(box):
    session = box.name()
    box.client.bash.exec(command="read -r line; echo \"got $line\"", session_id=session, async_mode=True)
    assert box.client.bash.write(session_id=session, input="this\n").success
    assert ended(box, session).stdout == "got this\n"


@case("signals a running command with all that it started", since="0.0.30")
def kill(box):
    session, name = box.name(), box.name()
    box.client.bash.exec(
        command=f"setsid -f bash -c 'exec -a {name} sleep 60'; sleep 60", session_id=session, async_mode=True
    )
    while box.text(f"pgrep -f '^{name}' || true") == "":
        time.sleep(0.02)
    assert box.client.bash.kill(session_id=session, signal="SIGKILL").success
    assert ended(box, session).command.status == "killed"
    assert box.text(f"pgrep -f '^{name}' || echo none") == "none\n"


@case("lists its sessions, creates one and closes it", since="0.0.30")
def sessions(box):
    session = box.name()
    made = box.client.bash.create_session(session_id=session, exec_dir="/usr").data
    assert (made.session_id, made.working_dir, made.status) == (session, "/usr", "ready"), made
    assert box.client.bash.exec(command="pwd", session_id=session).data.stdout == "/usr\n"
    assert session in [one.session_id for one in box.client.bash.sessions().data]
    assert box.client.bash.create_session().data.session_id
    assert box.client.bash.close_session(session).success
    assert session not in [one.session_id for one in box.client.bash.sessions().data if one.status == "ready"]


def ended(box, session):
    while True:
        more = box.client.bash.output(session_id=session, wait=True, wait_timeout=5).data
        if more.command.status != "running":
            return box.client.bash.output(session_id=session).data
