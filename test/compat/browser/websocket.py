# SPDX-License-Identifier: Apache-2.0
# server: websocket
"""nats.js in headless Chromium talks to the server's WebSocket listener.

usage: websocket.py DIRECTORY-WITH-NODE_MODULES CHROMIUM (WS_URL names the server)
"""
import http.server
import os
import pathlib
import queue
import subprocess
import sys
import threading
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
WORK = pathlib.Path(os.environ["COMPAT_DIR"])
SECONDS = 60


def bundle(modules):
    """One script of the page and the client. It resolves modules from a copy beside them."""
    page = WORK / "page.mjs"
    page.write_bytes((HERE / "page.mjs").read_bytes())
    (WORK / "node_modules").symlink_to(modules / "node_modules")
    esbuild = modules / "node_modules/.bin/esbuild"
    done = subprocess.run([esbuild, page, "--bundle", "--format=iife", "--log-level=warning"],
                          stdout=subprocess.PIPE, check=True)
    return done.stdout


def serve(script, results):
    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self, kind, body):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            if self.path == "/page.js":
                self.answer("text/javascript", script)
            else:
                self.answer("text/html", b"<!doctype html><script src=/page.js></script>")

        def do_POST(self):
            results.put(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.answer("text/plain", b"")

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def main():
    modules, chromium = map(pathlib.Path, sys.argv[1:])
    results = queue.Queue()
    port = serve(bundle(modules), results)
    url = f"http://127.0.0.1:{port}/?server={urllib.parse.quote(os.environ['WS_URL'])}"
    log = WORK / "chromium.log"
    with open(log, "wb") as out:
        browser = subprocess.Popen(
            [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
             "--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--disable-dev-shm-usage", f"--user-data-dir={WORK}/profile", url],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        result = results.get(timeout=SECONDS)
    except queue.Empty:
        result = f"no result in {SECONDS} seconds\n{log.read_text(errors='replace')[-2000:]}"
    finally:
        browser.terminate()
        try:
            browser.wait(timeout=20)
        except subprocess.TimeoutExpired:
            browser.kill()
            browser.wait()
    print(result)
    return 0 if result == "ok" else 1


sys.exit(main())
