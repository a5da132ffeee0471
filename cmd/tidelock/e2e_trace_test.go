package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

var traceVerbs = []verb{
	{"collector: ${OTLP} is the address of a collector of traces", 0, 0, (*scene).collector},
	{"traced REGEXP: wait until the collector has got spans that are printed so, one a line below its cause; all are in the file traces", 1, 1, (*scene).traced},
}

// spans are what a collector has got.
type spans struct {
	collector.UnimplementedTraceServiceServer

	mu  sync.Mutex // guards got
	got []*otlp.Span
}

func (s *spans) Export(_ context.Context, request *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range request.ResourceSpans {
		for _, scope := range of.ScopeSpans {
			s.got = append(s.got, scope.Spans...)
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// tree prints the spans below one.
func (s *spans) tree(parent, indent string) string {
	var text strings.Builder
	for _, span := range s.got {
		if string(span.ParentSpanId) != parent {
			continue
		}
		fmt.Fprint(&text, indent, span.Name)
		for _, a := range span.Attributes {
			fmt.Fprint(&text, " ", a.Key, "=", a.Value.GetStringValue())
		}
		fmt.Fprint(&text, " ", span.Status.GetMessage(), "\n", s.tree(string(span.SpanId), indent+"  "))
	}
	return text.String()
}

func (s *scene) collector([]string) error {
	listener, err := new(net.ListenConfig).Listen(s.ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.spans = &spans{}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, s.spans)
	go func() { _ = server.Serve(listener) }() // ends by Stop
	s.ts.Defer(server.Stop)
	s.ts.Setenv("OTLP", "http://"+listener.Addr().String())
	return nil
}

func (s *scene) traced(args []string) error {
	pattern, err := regexp.Compile("(?s)" + args[0])
	if err != nil {
		return err
	}
	return s.until("a trace "+args[0], func() (bool, error) {
		s.spans.mu.Lock()
		defer s.spans.mu.Unlock()
		text := s.spans.tree("", "")
		if err := os.WriteFile(s.ts.MkAbs("traces"), []byte(text), 0o600); err != nil {
			return false, err
		}
		return pattern.MatchString(text), nil
	})
}
