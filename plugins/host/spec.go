package host

import (
	"cmp"
	"time"

	"github.com/tidelock-io/tidelock/plugins/sdk/sandbox"
)

// A Spec is one plugin: how it is started, and how far it may go.
type Spec struct {
	// Name is what calls name it by; the plugin must say the same of itself, or
	// what Says says.
	Name string
	Says string
	// Command and Args start it. Without a Command it is a built-in: this
	// program, with the arguments "plugin serve NAME".
	Command string
	Args    []string
	// Rather, if set, is started in the place of Command, unless it may not be or
	// does not start.
	Rather *Program
	// Env is its environment, as "NAME=value"; empty by default.
	Env []string
	// Verify, if set, runs before each start: its error is why there is none.
	Verify func() error
	// Grants is what it may do; nothing by default.
	Grants sandbox.Grants
	// Calls is how many calls a process takes before another takes its place.
	// Without an end by default; one if it may start programs, which may be left
	// running and must not see the files of the next call.
	Calls int
	// Processes is how many of it may run at once, 2 by default. A second one
	// starts only when calls overlap.
	Processes int
	Limits    Limits
}

// Limits bound one call. A zero means the default.
type Limits struct {
	Start   time.Duration // from start to greeting: 20 s
	Render  time.Duration // 60 s
	Decrypt time.Duration // 10 s
	Fetch   time.Duration // 30 s

	Documents     int   // of one render: 20,000
	DocumentBytes int64 // of one render: 64 MiB
	Asks          int   // files and listings asked for in one call: 200,000
	AskBytes      int64 // bytes of files served in one call: 256 MiB
	Programs      int   // processes at once, its own included, if it may start any: 64

	// Idle is how long a process may have nothing to do before it is stopped:
	// 5 minutes.
	Idle time.Duration
}

// A Program serves a plugin just as another program does.
type Program struct {
	Command string
	Args    []string
	// Verify runs before each start: its error is why the other one is started.
	Verify func() error
}

// concurrency is how many calls a process takes at once if it takes several.
const concurrency = 16

// rather is the spec of the program that is to be preferred, if it may be started.
func (s Spec) rather() (*Spec, error) {
	if err := s.Rather.Verify(); err != nil {
		return nil, err
	}
	s.Command, s.Args, s.Rather = s.Rather.Command, s.Rather.Args, nil
	return &s, nil
}

// Complete returns the spec with its defaults. Self is the program that serves
// built-ins.
func (s Spec) Complete(self string) Spec {
	if s.Command == "" {
		s.Command, s.Args = self, []string{"plugin", "serve", s.Name}
	}
	s.Processes = cmp.Or(s.Processes, 2)
	s.Says = cmp.Or(s.Says, s.Name)
	if s.Grants.Exec {
		s.Calls = cmp.Or(s.Calls, 1)
	}
	l := &s.Limits
	l.Start = cmp.Or(l.Start, 20*time.Second)
	l.Render = cmp.Or(l.Render, time.Minute)
	l.Decrypt = cmp.Or(l.Decrypt, 10*time.Second)
	l.Fetch = cmp.Or(l.Fetch, 30*time.Second)
	l.Documents = cmp.Or(l.Documents, 20_000)
	l.DocumentBytes = cmp.Or(l.DocumentBytes, 64<<20)
	l.Asks = cmp.Or(l.Asks, 200_000)
	l.AskBytes = cmp.Or(l.AskBytes, 256<<20)
	l.Programs = cmp.Or(l.Programs, 64)
	l.Idle = cmp.Or(l.Idle, 5*time.Minute)
	return s
}
