import asyncio
import json
import urllib.error
import urllib.request

from cases import case, invalid

GROUP = "the client"


@case("gets details for a field that is missing and for one of the wrong type")
def details(box):
    assert invalid(lambda: box.client.shell.exec_command(command=None))[0][0] == ["body", "command"]
    assert invalid(lambda: box.client.shell.exec_command(command="true", timeout="soon"))[0][0] == ["body", "timeout"]


@case("may send None for what it does not want to say")
def none(box):
    data = box.client.shell.exec_command(command="echo x", id=None, exec_dir=None, async_mode=None, timeout=None).data
    assert data.output == "x\n", data
    assert box.client.shell.exec_command(command="echo x", id="").data.session_id


@case("may send fields that are not known")
def unknown_fields(box):
    options = {"additional_body_parameters": {"not_known_yet": {"deep": [1]}}}
    assert box.client.shell.exec_command(command="echo x", request_options=options).data.output == "x\n"


@case("gets 404 with short JSON for a route that is not there")
def no_route(box):
    for method, path in (("GET", "/v1/nothing"), ("POST", "/v1/shell/nothing"), ("GET", "/v1/shell/exec")):
        status, headers, body = plain(box, method, path)
        assert status == 404 and headers["content-type"] == "application/json", (status, headers)
        parsed = json.loads(body)
        assert parsed["success"] is False and parsed["data"] is None and parsed["message"], parsed
        assert len(body) < 400 and len(headers) < 10, (body, headers)


@case("works asynchronously, many calls at once")
def asynchronous(box):
    from agent_sandbox import AsyncSandbox

    async def all_at_once():
        client = AsyncSandbox(base_url=box.base_url, timeout=20)
        calls = [client.shell.exec_command(command=f"echo {i}") for i in range(12)]
        return [answer.data.output for answer in await asyncio.gather(*calls)]

    assert asyncio.run(all_at_once()) == [f"{i}\n" for i in range(12)]


def plain(box, method, path):
    request = urllib.request.Request(box.base_url + path, method=method, data=b"{}" if method == "POST" else None)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, dict(response.headers), response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read().decode()
