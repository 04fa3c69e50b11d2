"""pyftpdlib as one server of the lab: one account, shut into one folder, in the clear or with explicit TLS.

Usage: server.py CONFIG, where CONFIG is a JSON object of host, port, user, password, root, uid, gid, log and
certificate (one PEM file of key and certificate, or null). It starts as root, for the key, and goes on as the
account: what was read and imported before stays.
"""

import json
import logging
import os
import sys

# MFMT imports it when it is first called, and the account may not be able to read it then.
import _strptime  # noqa: F401

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer


def handler(config):
    """The class of one session: pyftpdlib configures by class attributes."""
    if config["certificate"] is None:
        return type("Handler", (FTPHandler,), {})
    from pyftpdlib.handlers import TLS_FTPHandler

    made = type("Handler", (TLS_FTPHandler,), {
        "certfile": config["certificate"],
        "tls_control_required": True,
        "tls_data_required": True,
    })
    made.get_ssl_context()
    return made


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        config = json.load(file)
    # DEBUG shows every command and reply, passwords starred out.
    logging.basicConfig(filename=config["log"], level=logging.DEBUG)
    authorizer = DummyAuthorizer()
    authorizer.add_user(config["user"], config["password"], config["root"], perm="elradfmwMT")
    served = handler(config)
    served.authorizer = authorizer
    server = FTPServer((config["host"], config["port"]), served)
    server.max_cons = 200
    os.setgroups([])
    os.setgid(config["gid"])
    os.setuid(config["uid"])
    os.umask(0o022)
    server.serve_forever()


main()
