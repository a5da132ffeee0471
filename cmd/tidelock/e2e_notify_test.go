package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidelock-io/tidelock/agent/notify/notifytest"
)

var notifyVerbs = []verb{
	{"receivers PASSWORD: start what takes notifications: ${WEB} webhooks, Slack and Teams, ${MAIL_PORT} mail from robot with the password", 1, 1, (*scene).receivers},
	{"told PATH N REGEXP: wait until the web server was told N times at a path, the last time of what is so; negated: it was told fewer times, so far", 3, 3, (*scene).told},
	{"mailed N REGEXP: wait until N mails have come, the last of which is so", 2, 2, (*scene).mailed},
	{"toldonce PATH REGEXP: wait until the web server was told what is so at a path, and it was told nothing there twice", 2, 2, (*scene).toldOnce},
	{"hang PATH: the web server takes what it is told at a path, and never answers", 1, 1, (*scene).hang},
	{"refuse PATH N: the web server refuses what it is told at a path, N times", 2, 2, (*scene).refuse},
}

func (s *scene) receivers(args []string) error {
	s.web = notifytest.StartWeb()
	s.ts.Defer(s.web.Close)
	mail, err := notifytest.StartMail("robot", args[0])
	if err != nil {
		return err
	}
	s.mail = mail
	s.ts.Defer(func() { _ = mail.Close() })
	s.ts.Setenv("WEB", s.web.URL)
	s.ts.Setenv("MAIL_PORT", strconv.Itoa(mail.Port))
	return nil
}

func (s *scene) told(args []string) error {
	return s.heard(args[1], args[2], "told at "+args[0], func() (texts []string) {
		for _, r := range s.web.Requests(args[0]) {
			texts = append(texts, r.Body)
		}
		return texts
	})
}

func (s *scene) mailed(args []string) error {
	return s.heard(args[0], args[1], "mailed", func() (texts []string) {
		for _, m := range s.mail.Mails() {
			texts = append(texts, "To: "+strings.Join(m.To, ",")+"\n"+m.Text)
		}
		return texts
	})
}

// heard waits until as many messages have come as are meant. More are an error.
func (s *scene) heard(times, text, how string, messages func() []string) error {
	n, err := strconv.Atoi(times)
	if err != nil {
		return err
	}
	pattern, err := regexp.Compile("(?s)" + text)
	if err != nil {
		return err
	}
	all := messages()
	if s.neg {
		if len(all) >= n {
			return fmt.Errorf("%s %d times: %s", how, len(all), strings.Join(all, "\n--\n"))
		}
		return nil
	}
	err = s.until(how+" "+times+" times", func() (bool, error) {
		all = messages()
		return len(all) >= n, nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("%w, but %d times: %s", err, len(all), strings.Join(all, "\n--\n"))
	case len(all) > n:
		return fmt.Errorf("%s %d times, and not %d: %s", how, len(all), n, strings.Join(all, "\n--\n"))
	case !pattern.MatchString(all[n-1]):
		return fmt.Errorf("%s %q, which is not %s", how, all[n-1], text)
	}
	return nil
}

func (s *scene) hang(args []string) error {
	s.web.Hang(args[0])
	return nil
}

func (s *scene) toldOnce(args []string) error {
	pattern, err := regexp.Compile(args[1])
	if err != nil {
		return err
	}
	var all []notifytest.Request
	err = s.until("told "+args[1]+" at "+args[0], func() (bool, error) {
		all = s.web.Requests(args[0])
		return slices.ContainsFunc(all, func(r notifytest.Request) bool { return pattern.MatchString(r.Body) }), nil
	})
	if err != nil {
		return err
	}
	times := map[string]int{}
	for _, r := range all {
		if times[r.Body]++; times[r.Body] > 1 {
			return fmt.Errorf("told twice at %s: %s", args[0], r.Body)
		}
	}
	return nil
}

func (s *scene) refuse(args []string) error {
	n, err := strconv.Atoi(args[1])
	s.web.Fail(args[0], n)
	return err
}
