package testenv

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// pages are what a server for programs is commonly asked for, debug pages first.
var pages = []string{
	"/", "/healthz", "/metrics", "/debug", "/debug/", "/debug/vars", "/debug/pprof/", "/debug/pprof/cmdline",
	"/debug/pprof/goroutine?debug=2", "/debug/pprof/heap?debug=1", "/debug/requests", "/api/webhook", "/api/v1/applications",
}

// Pages searches what a server answers, headers included, whatever its status.
func (c *Canaries) Pages(ctx context.Context, server string) (found []Finding, err error) {
	for _, page := range pages {
		text, err := fetched(ctx, strings.TrimSuffix(server, "/")+page)
		if err != nil {
			return nil, err
		}
		found = append(found, c.Search(server+page, text)...)
	}
	return found, nil
}

func fetched(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	return append(fmt.Appendf(nil, "%v\n", response.Header), body...), err
}
