from cases import case

GROUP = "the context"


@case("names the home folder and the version, and describes the system whole")
def whole(box):
    context = box.client.sandbox.get_context()
    assert context.home_dir.startswith("/") and context.version, context
    assert context.home_dir == box.text("printf %s ~"), context
    system = context.detail.system
    assert system.os and system.arch and system.home_dir == context.home_dir, system
    assert [tool for tool in context.detail.runtime.nodejs + context.detail.runtime.python if tool.bin]
    assert {tool.name for group in context.detail.utils for tool in group.tools} >= {"bash"}


@case("is the same through a base URL that ends in a slash")
def slash(box):
    assert box.connect(box.base_url + "/").sandbox.get_context().home_dir


@case("tells the packages of Python and Node.js")
def packages(box):
    assert box.client.sandbox.get_python_packages().success
    assert box.client.sandbox.get_nodejs_packages().success
