"""The daemon's configuration as the tests write it."""

from .workspace import login_name

_SECTIONS = {
    "server": '''host_keys = ["keys/bastion_host"]
control_socket = "{name}.sock"
''',
    "log": 'level = "debug"\n',
    "audit": 'file = "{name}.audit.jsonl"\n',
    "auth": 'authorized_keys = ["authorized_keys/{{user}}"]\n',
    "penalties": 'exempt = ["127.0.0.0/8", "::1"]\n',  # else a test of refusals would keep the next one out
}


def bastion_config(body, name="bastion", listen=("127.0.0.1:0",), **sections):
    """A configuration: `body` holds targets and routes; a section given by name replaces the usual one, or adds to none."""
    text = "".join(f'[[listen]]\naddress = "{address}"\n' for address in listen)
    for section, usual in {**_SECTIONS, **{key: "" for key in sections if key not in _SECTIONS}}.items():
        content = sections.get(section, usual.format(name=name))
        text += f"[{section}]\n{content}\n"
    return text + body


UPSTREAM_KEY = "key:keys/upstream"


def ssh_target(name, sshd=None, address=None, more="", credential=UPSTREAM_KEY):
    """A target of kind ssh: a private sshd, entered with the key `upstream`."""
    return f'''
[target.{name}]
address = "{address or f"{sshd.address}:{sshd.port}"}"
user = "{login_name()}"
credentials = ["{credential}"]
known_hosts = "upstream_known_hosts"
{more}
'''


def local_target(name, shell=("/bin/sh",), more=""):
    """A target of kind local. Whoever runs the tests as root gets root's programs."""
    words = ", ".join(f'"{word}"' for word in shell)
    permitted = "" if "permit_accounts" in more else 'permit_accounts = ["*", "root"]\n'
    return f'''
[target.{name}]
kind = "local"
shell = [{words}]
{permitted}{more}
'''


def route(name, to, users=None, targets=None, channels=""):
    """A route; `channels` holds [[route.channel]] tables."""
    def listed(key, values):
        return f"{key} = [" + ", ".join(f'"{value}"' for value in values) + "]\n" if values else ""
    return f'''
[[route]]
name = "{name}"
{listed("users", users)}{listed("targets", targets)}to = "{to}"
{channels}
'''
