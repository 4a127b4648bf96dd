# SPDX-License-Identifier: Apache-2.0
"""Attacks by clients that are in: subscriptions, subjects, output that nobody reads."""
import itertools
import time

from harness import MIB, Healthy, Server, check, flood, until

SMALL_PENDING = "max_pending: 1048576\nmax_payload: 65536\n"


def after(server, sock, data):
    """Send all of it, then have the server say that it has seen it."""
    sock.settimeout(60)
    sock.sendall(data + b"PING\r\n")
    out = b""
    while not out.endswith(b"PONG\r\n"):
        data = sock.recv(1 << 20)
        check(data, f"closed: {out[-200:]}")
        out = (out + data)[-300:]


def opened(server):
    s = server.raw()
    after(server, s, b'CONNECT {"verbose":false,"pedantic":false}\r\n')
    return s


def test_million_subscriptions(binary, rss):
    """Memory is linear, and who publishes elsewhere does not notice."""
    half = 500000
    with Server(binary) as server:
        healthy = Healthy(server)
        s, sizes = opened(server), [server.rss()]
        for start in (0, half):
            after(server, s, b"".join(b"SUB flood.%d.x %d\r\n" % (i, i)
                                      for i in range(start, start + half)))
            sizes.append(server.rss())
            healthy.check()
        each = [(b - a) / half for a, b in itertools.pairwise(sizes)]
        check(not rss or max(each) < 450, f"{each} bytes per subscription")
        s.close()
        server.client().close()
        healthy.check()
        check(not rss or server.rss() < sizes[-1] + 8 * MIB, "closing costs memory")
    return f"{each[0]:.0f} and {each[1]:.0f} bytes per subscription"


def test_subscriptions_of_the_past(binary, rss):
    """Who subscribes to much and leaves, again and again, does not fill the list of the closed."""
    def visit(server, count, size):
        s = opened(server)
        after(server, s, b"".join(b"SUB %d.%s %d%s\r\n" % (i, b"x" * size, i, bytes(size))
                                  for i in range(count)))
        s.close()

    with Server(binary) as server:
        healthy = Healthy(server)
        for _ in range(30):
            visit(server, 900, 1000)
        before = server.rss()
        for _ in range(60):
            visit(server, 900, 1000)
            visit(server, 5000, 10)
        grown = server.rss() - before
        check(not rss or grown < 12 * MIB, f"{grown} bytes more")
        healthy.check()
    return f"{grown / 1024:.0f} KiB more"


def grown_by(binary, rss, data, most, conf="", times=3):
    """How much more memory the same input costs when it comes again and again."""
    with Server(binary, conf) as server:
        healthy = Healthy(server)
        s = opened(server)
        after(server, s, data)
        before = server.rss()
        for _ in range(times):
            after(server, s, data)
            healthy.check()
        grown = server.rss() - before
        check(not rss or grown < most, f"{grown} bytes more")
    return f"{grown / 1024:.0f} KiB more"


def test_same_sid(binary, rss):
    return grown_by(binary, rss, b"".join(b"SUB foo.%d 1\r\n" % i for i in range(200000)), MIB)


def test_unknown_unsubs(binary, rss):
    return grown_by(binary, rss, b"".join(b"UNSUB %d\r\n" % i for i in range(300000)), MIB)


def test_sub_unsub_churn(binary, rss):
    data = b"".join(b"SUB foo.%d.* %d\r\nUNSUB %d\r\n" % (i, i, i) for i in range(100000))
    return grown_by(binary, rss, data, 4 * MIB)


def test_inbox_churn(binary, rss):
    """Subjects that never come again don't fill the match cache."""
    data = b"".join(b"PUB svc _INBOX.%d.x 0\r\n\r\nPUB _INBOX.%d.x 0\r\n\r\n" % (i, i)
                    for i in range(150000))
    return grown_by(binary, rss, data, 4 * MIB)


def test_recurring_subjects(binary, rss):
    """Subjects of 4 KiB that come again: the cache is bounded in bytes."""
    long = b"a" * 3900
    data = b"".join(b"PUB %s.%d 0\r\n\r\n" % (long, i % 9000) for i in range(18000))
    return grown_by(binary, rss, data, 8 * MIB, times=2)


def test_many_tokens(binary, rss):
    """Thousands of tokens, wildcards that all match: time is bounded."""
    deep = b".".join([b"a"] * 2000)
    stars = [b".".join(b"*" if i & 1 << bit else b"a" for bit in range(12)) for i in range(4096)]
    with Server(binary) as server:
        healthy = Healthy(server)
        s = opened(server)
        after(server, s, b"".join(b"SUB %s.%s x%d\r\n" % (star, b">" if i % 2 else b"a.*", i)
                                  for i, star in enumerate(stars)))
        after(server, s, b"SUB %s d1\r\nSUB %s.> d2\r\n" % (b".".join([b"*"] * 2000), deep))
        start = time.monotonic()
        attacker = opened(server)
        after(server, attacker, b"".join(b"PUB %s 0\r\n\r\n" % deep for _ in range(200)))
        after(server, attacker, b"".join(b"PUB %s.%d 0\r\n\r\n" % (b".".join([b"a"] * 100), i)
                                         for i in range(10)))
        healthy.check()
        check(time.monotonic() - start < 20, "matching takes too long")


def test_slow_consumers_large_messages(binary, rss):
    """Payloads of 1 MiB for 1,000 consumers that don't read are held once, not 1,000 times."""
    with Server(binary, "max_pending: 16777216\n") as server:
        healthy = Healthy(server)
        slow = [server.raw() for _ in range(1000)]
        for s in slow:
            s.sendall(b'CONNECT {"verbose":false}\r\nSUB big 1\r\n')
        for s in slow:
            after(server, s, b"")
        before, most = server.rss(), 0
        publisher = opened(server)
        for _ in range(24):
            after(server, publisher, b"PUB big 1048576\r\n" + bytes(MIB) + b"\r\n")
            most = max(most, server.rss())
            healthy.check()
        check(not rss or most - before < 128 * MIB, f"{most - before} bytes more")
        until(lambda: server.descriptors() < 200, "the slow consumers are still there")
        healthy.check()
        for s in slow:
            s.close()
    return f"{(most - before) / MIB:.0f} MiB more"


def output_flood(binary, rss, conf, line, options=b'"verbose":false'):
    """Answers that nobody reads pile up to max_pending, then the connection ends."""
    user = b',"user":"a","pass":"b"' if "authorization" in conf else b""
    with Server(binary, conf + SMALL_PENDING, flags=("-l", "/dev/null")) as server:
        healthy = Healthy(server, **({"user": "h", "pass": "b"} if user else {}))
        before, closed = server.rss(), 0
        for _ in range(4):
            s = server.raw(buffer=4096)
            s.sendall(b"CONNECT {%s%s}\r\n" % (options, user))
            closed += not flood(s, line * (16000000 // len(line)))
            check(not rss or server.rss() - before < 8 * MIB, f"{server.rss() - before} more")
            healthy.check()
            s.close()
        check(closed == 4, "not closed as a slow consumer")
        return f"{(server.rss() - before) / 1024:.0f} KiB more"


def test_ping_flood(binary, rss):
    return output_flood(binary, rss, "", b"PING\r\n")


def test_error_flood(binary, rss):
    conf = ("authorization { users: [{user: h, password: b}, {user: a, password: b,"
            " permissions: {publish: {deny: '>'}}}] }\n")
    return output_flood(binary, rss, conf, b"PUB x 0\r\n\r\n")


def test_ok_flood(binary, rss):
    return output_flood(binary, rss, "", b"PUB x 0\r\n\r\n", b'"verbose":true')


def test_invalid_subject_flood(binary, rss):
    return output_flood(binary, rss, "", b"SUB .. 1\r\n")


def test_no_responders_flood(binary, rss):
    """Requests without answer, their 503s unread."""
    options = b'"verbose":false,"headers":true,"no_responders":true'
    return output_flood(binary, rss, "", b"SUB r 1\r\nPUB x r 0\r\n\r\n", options)


def test_unanswered_requests(binary, rss):
    """Requests that a responder does not answer don't take away its leave to answer others."""
    conf = ("authorization { users: [{user: h, password: b}, {user: r, password: b, permissions:"
            " {subscribe: svc, allow_responses: {max: 1, expires: '10m'}}}] }\n")
    with Server(binary, conf) as server:
        responder = server.client(user="r", **{"pass": "b"})
        responder.send("SUB svc 1")
        responder.sync()
        asker = server.client(user="h", **{"pass": "b"})
        for i in range(0, 12000, 1000):
            asker.send(*(f"PUB svc r.{j} 0\r\n" for j in range(i, i + 1000)))
            asker.sync()
        asker.send("SUB answer 1", "PUB svc answer 0\r\n", *(f"PUB svc t.{i} 0\r\n"
                                                             for i in range(1000)))
        asker.sync()
        responder.send("PUB answer 2", "ok")
        responder.sync()
        asker.expect("MSG answer ")
