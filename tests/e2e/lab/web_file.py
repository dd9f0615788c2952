"""WebFile: one file on a plain web server in a namespace (RFC 9110: ETag, If-None-Match), as a network's community publishes its ROAs."""
import hashlib
import http.server
import threading


class WebFile:
    """Tests set `text` and `status`; `answers` are the statuses so far, `tokens` whatever came as Authorization."""

    def __init__(self, space, text="", port=8000):
        self.space, self.port, self.text, self.status = space, port, text, 200
        self.answers, self.tokens = [], []
        self.url = f"http://{space.address}:{port}/roa.conf"
        self._server = None
        self.start()
        space.lab.at_exit.append(self.stop)

    def start(self):
        with self.space.entered():
            self._server = http.server.ThreadingHTTPServer((self.space.address, self.port), self._handler())
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        server, self._server = self._server, None
        if server:
            server.shutdown()
            server.server_close()

    def _handler(self):
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = web.text.encode()
                tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
                web.tokens += [self.headers["Authorization"]] if "Authorization" in self.headers else []
                status = 304 if web.status == 200 and self.headers.get("If-None-Match") == tag else web.status
                web.answers.append(status)
                self.send_response(status)
                self.send_header("ETag", tag)
                self.send_header("Content-Length", str(0 if status == 304 else len(body)))
                self.end_headers()
                if status != 304:
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler
