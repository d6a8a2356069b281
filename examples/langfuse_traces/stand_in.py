"""Stands for Langfuse: takes the spans that its SDK sends."""

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class StandIn:
    """Langfuse's endpoint for OpenTelemetry, on loopback, for as long as its block."""

    def __init__(self) -> None:
        self._spans: list[Span] = []

    def __enter__(self) -> 'StandIn':
        spans = self._spans

        class Take(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                login = self.headers.get('Authorization', '')
                if self.path != '/api/public/otel/v1/traces' or not login.startswith('Basic '):
                    self.send_error(404)
                    return
                sent = gzip.decompress(self.rfile.read(int(self.headers['Content-Length'])))
                for resource in ExportTraceServiceRequest.FromString(sent).resource_spans:
                    for scope in resource.scope_spans:
                        spans.extend(scope.spans)
                self.send_response(200)
                self.end_headers()

            def log_request(self, code: object = '-', size: object = '-') -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(('127.0.0.1', 0), Take)
        threading.Thread(target=self._server.serve_forever).start()
        self.url = f'http://127.0.0.1:{self._server.server_port}'
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def show(self, parent: bytes = b'', depth: int = 0) -> None:
        """Print the spans as a tree, with the time to first token where there is one."""
        for span in sorted(self._spans, key=lambda span: span.start_time_unix_nano):
            if span.parent_span_id == parent:
                first = [
                    f'first token after {each.value.double_value:.1f} s'
                    for each in span.attributes
                    if each.key == 'gen_ai.response.time_to_first_chunk'
                ]
                print('  ' * depth + ', '.join([span.name, *first]))
                self.show(span.span_id, depth + 1)
