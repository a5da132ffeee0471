package main

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

var pageVerbs = []verb{
	{"page PATH REGEXP: wait until the agent answers so; negated: until it answers with an error that is so. Paths below /debug are those of --debug-listen", 2, 2, (*scene).page},
	{"addresses: ${AGENT_URL} and ${METRICS_URL} are where the agent answers", 0, 0, (*scene).addresses},
	{"debugaddress: ${DEBUG} is an address for --debug-listen", 0, 0, (*scene).debugAddress},
}

func (s *scene) debugAddress([]string) error {
	address, err := testenv.FreeAddress()
	s.debug = "http://" + address
	s.ts.Setenv("DEBUG", address)
	return err
}

func (s *scene) addresses([]string) error {
	s.ts.Setenv("AGENT_URL", s.agent.URL)
	s.ts.Setenv("METRICS_URL", strings.TrimSuffix(s.agent.Metrics, "/metrics"))
	return nil
}

// page waits for an answer.
func (s *scene) page(args []string) error {
	pattern, err := regexp.Compile(args[1])
	if err != nil {
		return err
	}
	server := s.agent.URL
	if strings.HasPrefix(args[0], "/debug/") {
		server = s.debug
	}
	return s.until(args[0], func() (bool, error) {
		request, err := http.NewRequestWithContext(s.ctx, http.MethodGet, server+args[0], nil)
		if err != nil {
			return false, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false, nil // it may not listen yet
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			return false, fmt.Errorf("read %s: %w", args[0], err)
		}
		return pattern.Match(text) && s.neg == (response.StatusCode != http.StatusOK), nil
	})
}
