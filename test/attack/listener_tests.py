# SPDX-License-Identifier: Apache-2.0
"""Attacks before authentication: listeners, handshakes, the configuration."""
import pathlib
import random
import subprocess
import tempfile
import time
import zlib

from harness import MIB, Client, Failed, Healthy, Server, check, drain, flood, reset, until

CONNECTIONS = 2000
PRE_AUTH_BYTES = 16 * 1024
HASH = "$2b$11$abcdefghijklmnopqrstuuMPTNw80Ajg1L.b1UgT8YXbRnjNPcQAK"      # of "b"
AUTH = "authorization { timeout: 60, users: [{user: a, password: b}] }\n"
WEBSOCKET = "websocket { listen: '127.0.0.1:-1', no_tls: true, handshake_timeout: '60s' }\n"
UPGRADE = (b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n")


def per_connection(server, kind, pieces, rss):
    """Open connections that send these pieces one by one; memory of each is below the bound."""
    first = [server.raw(kind) for _ in range(8)]        # what is allocated once
    for s in first:
        s.sendall(pieces[0])
    time.sleep(0.2)     # no condition to poll for: the server only has to be quiet
    before = server.rss()
    conns = [server.raw(kind) for _ in range(CONNECTIONS)]
    for piece in pieces:
        for s in conns:
            s.sendall(piece)
    until(lambda: server.descriptors() >= CONNECTIONS, "connections were refused")
    time.sleep(0.5)
    each = (server.rss() - before) / CONNECTIONS
    for s in conns + first:
        s.close()
    check(not rss or each <= PRE_AUTH_BYTES, f"{each:.0f} bytes per connection")
    return f"{each:.0f} bytes per connection"


def test_drip_control_line(binary, rss):
    """A CONNECT of nearly max_control_line that never ends."""
    line = b'CONNECT {"name":"' + b"x" * 4040
    with Server(binary, AUTH) as server:
        healthy = Healthy(server, user="a", **{"pass": "b"})
        text = per_connection(server, "nats", [line[i:i + 256] for i in range(0, 4057, 256)], rss)
        healthy.check()
    return text


def test_half_connect(binary, rss):
    with Server(binary, AUTH) as server:
        healthy = Healthy(server, user="a", **{"pass": "b"})
        text = per_connection(server, "nats", [b"CONNECT {"], rss)
        healthy.check()
    return text


def test_half_upgrade(binary, rss):
    """WebSocket requests of nearly 8 KiB that never end."""
    pieces = [UPGRADE, *[b"X-%d: %s\r\n" % (i, b"x" * 1000) for i in range(7)]]
    with Server(binary, AUTH + WEBSOCKET) as server:
        healthy = Healthy(server, user="a", **{"pass": "b"})
        text = per_connection(server, "websocket", pieces, rss)
        healthy.check()
    return text


def test_silent_websocket(binary, rss):
    """Upgraded, then half a frame."""
    with Server(binary, AUTH + WEBSOCKET) as server:
        text = per_connection(server, "websocket", [UPGRADE + b"\r\n"], rss)
    return text


def test_input_behind_bcrypt(binary, rss):
    """What comes behind a CONNECT whose password takes long to check is not read in."""
    users = f"authorization {{ timeout: 60, users: [{{user: a, password: '{HASH}'}}] }}\n"
    behind = b"PUB x 100000\r\n" + b"x" * 60000
    with Server(binary, users) as server:
        conns = [server.raw() for _ in range(200)]
        time.sleep(0.2)
        before = server.rss()
        for s in conns:
            s.sendall(b'CONNECT {"user":"a","pass":"wrong"}\r\n' + behind)
        time.sleep(1)
        each = (server.rss() - before) / len(conns)
        check(not rss or each <= PRE_AUTH_BYTES, f"{each:.0f} bytes per connection")
        for s in conns:
            reset(s)
    return f"{each:.0f} bytes per connection"


def test_announced_payloads(binary, rss):
    """Nothing is allocated for what is only announced."""
    with Server(binary) as server:
        healthy = Healthy(server)
        text = per_connection(server, "nats", [b"PUB foo 1048576\r\n" + b"x" * 100], rss)
        healthy.check()
    return text


def test_slowloris(binary, rss):
    """10,000 connections that send a byte now and then don't slow down others."""
    with Server(binary, "authorization { timeout: 60, users: [{user: a, password: b}] }") as server:
        healthy = Healthy(server, user="a", **{"pass": "b"})
        conns, ratio = [], None
        quiet = healthy.rounds(1000)[989]
        for _ in range(10000):
            conns.append(server.raw())
        for s in conns:
            s.sendall(b"C")
        for _ in range(5):              # other work on the machine may spoil a round
            for s in random.sample(conns, 500):
                s.send(b"O")
            ratio = healthy.rounds(1000)[989] / quiet
            if ratio < 2:
                break
        each = server.rss() / len(conns)
        check(ratio < 2, f"p99 is {ratio:.1f} times as long")
        check(not rss or each < PRE_AUTH_BYTES, f"{each:.0f} bytes per connection")
        for s in conns:
            s.close()
    return f"p99 ratio {ratio:.2f}, {each:.0f} bytes per connection"


def test_slow_connect_times_out(binary, rss):
    """One byte at a time does not extend the time for authentication."""
    with Server(binary, "authorization { timeout: 1, users: [{user: a, password: b}] }") as server:
        s, start = server.raw(), time.monotonic()
        out = b""
        s.settimeout(0.1)
        while b"Authentication Timeout" not in out:
            check(time.monotonic() - start < 20, "no Authentication Timeout")
            try:
                s.send(b"C" if out == b"" else b"")
                out += s.recv(4096)
            except TimeoutError:
                pass


def test_reset_flood(binary, rss):
    """Connections that are reset at once leave nothing behind."""
    with Server(binary, "max_closed_clients: 10") as server:
        healthy = Healthy(server)
        base, memory = server.descriptors(), 0
        for i in range(6000):
            s = server.raw()
            if i % 2:
                s.send(b"CONNECT {}\r\nSUB foo 1\r\n")
            reset(s)
            if i == 2000:
                memory = server.rss()
        until(lambda: server.descriptors() <= base, "descriptors are left over")
        grown = server.rss() - memory
        check(not rss or grown < MIB, f"{grown} bytes more after 4,000 connections")
        healthy.check()
    return f"{grown / 1024:.0f} KiB more"


def test_out_of_descriptors(binary, rss):
    """At its limit of descriptors the server goes on, and accepts again when some are free."""
    with Server(binary, limit=64) as server:
        healthy = Healthy(server)
        conns = [server.raw() for _ in range(100)]
        until(lambda: server.descriptors() >= 64, "the limit was not reached")
        healthy.check()
        for s in conns:
            reset(s)
        server.client().close()
        healthy.check()


def test_http_slowloris(binary, rss):
    with Server(binary, "http: 127.0.0.1:-1") as server:
        healthy = Healthy(server)
        conns = [server.raw("monitoring") for _ in range(300)]
        for s in conns:
            try:
                s.send(b"GET /varz HTTP/1.1\r\nHost: x\r\nX: ")
            except ConnectionError:
                pass                    # the oldest make room
        ask = server.raw("monitoring")
        ask.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        out = drain(ask)
        check(b"200 OK" in out, f"/healthz says {out[:100]}")
        healthy.check()
        for s in conns:
            s.close()


def masked(opcode, payload, final=True, compressed=False):
    head = bytes([(0x80 if final else 0) | (0x40 if compressed else 0) | opcode])
    n = len(payload)
    if n < 126:
        head += bytes([0x80 | n])
    elif n < 65536:
        head += bytes([0xfe]) + n.to_bytes(2, "big")
    else:
        head += bytes([0xff]) + n.to_bytes(8, "big")
    return head + bytes(4) + payload


def upgraded(server, extra=b""):
    s = server.raw("websocket")
    s.sendall(UPGRADE + extra + b"\r\n")
    out = b""
    while b"\r\n\r\n" not in out:
        out += s.recv(4096)
    check(b" 101 " in out, f"no upgrade: {out[:200]}")
    return s


def test_deflate_bomb(binary, rss):
    """A message that inflates to 1 GiB ends with 1009 long before."""
    conf = WEBSOCKET.replace("no_tls: true", "no_tls: true, compression: true")
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = squeeze.compress(b"PUB x 1048576\r\n")
    for _ in range(1024):
        bomb += squeeze.compress(bytes(MIB))
    bomb += squeeze.flush(zlib.Z_SYNC_FLUSH)[:-4]
    with Server(binary, conf) as server:
        healthy = Healthy(server)
        before = server.rss()
        s = upgraded(server, b"Sec-WebSocket-Extensions: permessage-deflate\r\n")
        flood(s, masked(2, bomb, compressed=True))
        drain(s)
        grown = server.rss() - before
        check(not rss or grown < 16 * MIB, f"{grown} bytes more")
        healthy.check()
    return f"{grown / 1024:.0f} KiB more"


def test_endless_continuation(binary, rss):
    """Frames of one message without end: memory does not grow with it."""
    with Server(binary, WEBSOCKET) as server:
        healthy = Healthy(server)
        before = server.rss()
        s = upgraded(server)
        s.settimeout(10)
        s.sendall(masked(2, b"CONNECT {}\r\n", final=False))
        flood(s, masked(0, b"PUB x 4\r\nabcd\r\n" * 4000, final=False) * 200)
        grown = server.rss() - before
        check(not rss or grown < 16 * MIB, f"{grown} bytes more")
        healthy.check()


def test_websocket_pings_unread(binary, rss):
    """Pings whose pongs nobody reads."""
    with Server(binary, WEBSOCKET) as server:
        healthy = Healthy(server)
        before = server.rss()
        s = upgraded(server)
        flood(s, masked(9, b"x" * 125) * 200000)
        grown = server.rss() - before
        check(not rss or grown < 16 * MIB, f"{grown} bytes more")
        healthy.check()


def test_bcrypt_flood(binary, rss):
    """Logins that cost much are refused at some point; nobody who is in waits for them."""
    users = (f"authorization {{ timeout: 60, users: [{{user: a, password: '{HASH}'}},"
             "{user: plain, password: p}] }\n")
    with Server(binary, users) as server:
        healthy = Healthy(server, user="plain", **{"pass": "p"})
        conns = [server.raw() for _ in range(1500)]
        before = server.rss()
        for s in conns:
            s.sendall(b'CONNECT {"user":"a","pass":"wrong"}\r\nPING\r\n')
        healthy.check()
        server.client(user="plain", **{"pass": "p"}).close()
        grown = server.rss() - before
        check(not rss or grown < 1500 * PRE_AUTH_BYTES, f"{grown} bytes more")
        for s in conns:
            reset(s)
        start, text = time.monotonic(), b""
        while b"PONG" not in text:      # refused while the queue is full
            s = server.raw()
            s.sendall(b'CONNECT {"user":"a","pass":"b","verbose":false}\r\nPING\r\n')
            while text.count(b"\r\n") < 2 or not text.startswith(b"INFO"):
                data = s.recv(4096)
                if not data:
                    break
                text += data
            waited = time.monotonic() - start
            check(waited < 10, f"{waited:.1f} s behind logins of clients that have gone: {text}")
            text = b"" if b"PONG" not in text else text
            s.close()
    return f"{grown / 1500:.0f} bytes each, {waited:.1f} s behind the flood"


def certificate(place):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{place}/key",
                    "-out", f"{place}/cert", "-subj", "/CN=localhost", "-days", "2"],
                   check=True, capture_output=True)
    return f"tls {{ cert_file: '{place}/cert', key_file: '{place}/key', timeout: 2 }}\n"


def test_tls_handshake_flood(binary, rss):
    """Handshakes that stop half-way end by the timeout; others get in meanwhile."""
    import ssl
    with tempfile.TemporaryDirectory() as place, Server(binary, certificate(place)) as server:
        trust = ssl.create_default_context(cafile=f"{place}/cert")
        conns = [server.raw() for _ in range(500)]
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        half = trust.wrap_bio(incoming, outgoing, server_hostname="localhost")
        try:
            half.do_handshake()
        except ssl.SSLWantReadError:
            pass
        hello = outgoing.read()
        for i, s in enumerate(conns):
            s.send(hello[:len(hello) // 2] if i % 2 else hello)
        s = server.raw()
        s.recv(4096)                    # INFO
        client = Client(trust.wrap_socket(s, server_hostname="localhost"))
        client.sync()
        memory = server.rss()
        for s in conns:
            drain(s)
        client.sync()
    check(not rss or memory < 500 * 128 * 1024, f"{memory} bytes")
    return f"{memory / 500 / 1024:.0f} KiB per handshake"


def refused(binary, text, seconds=20, name="conf"):
    """The configuration is judged in time; returns what was said."""
    with tempfile.TemporaryDirectory() as place:
        (pathlib.Path(place) / name).write_text(text)
        try:
            done = subprocess.run([binary.resolve(), "-t", "-c", name], cwd=place, timeout=seconds,
                                  capture_output=True, check=False)
        except subprocess.TimeoutExpired as e:
            raise Failed(f"not read after {seconds} s") from e
    check(done.returncode in (0, 1), f"ended with {done.returncode}")
    return done


def test_config_large(binary, rss):
    """10 MB of users are read in time."""
    users = ",\n".join(f'{{user: "u{i}", password: "p{i}"}}' for i in range(250000))
    done = refused(binary, f"authorization {{ users: [\n{users}\n] }}\n", 60)
    check(done.returncode == 0, done.stderr[-200:])


def test_config_bombs(binary, rss):
    """Deep nesting, files that include themselves, variables of variables, half tokens."""
    deep = 1000000
    for text in ["[" * deep, "a: [" + "[" * deep + "]" * deep + "]", "a {" * deep,
                 "include 'conf'", "include './conf'\ninclude './conf'\n", "a: $a",
                 "a: $b\nb: $a\n", "a: (" + "(" * deep, "a: '" + "x" * deep, "\\" * deep,
                 "a: " + "9" * deep, "a: 1" + "e9" * 1000, "# " + "x" * deep, "a" * deep,
                 "a: 99999999999999999999kb", "port: -99999999999999", "\0" * 1000]:
        done = refused(binary, text)
        check(done.returncode == 1 or text.startswith("# "), f"accepted: {text[:30]}")


def test_oversize_http(binary, rss):
    """Heads and bodies beyond the limits end the connection, whatever they announce."""
    with Server(binary, "http: 127.0.0.1:-1") as server:
        before = server.rss()
        for text in [b"GET /varz HTTP/1.1\r\nX: " + b"x" * 10 * MIB,
                     b"GET /" + b"a" * 10 * MIB,
                     b"POST /varz HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * MIB]:
            s = server.raw("monitoring")
            flood(s, text)
            s.close()
        grown = server.rss() - before
        check(not rss or grown < 24 * MIB, f"{grown} bytes more")
        server.client().close()
