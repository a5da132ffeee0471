package host

import (
	"log/slog"
	"sync"
)

// lacking remembers what was warned of: what one plugin's sandbox lacks is lacking
// in those of the others, too.
type lacking struct {
	mu   sync.Mutex // guards told
	told map[string]bool
}

func (l *lacking) warn(log *slog.Logger, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.told[what] {
		return
	}
	if l.told == nil {
		l.told = map[string]bool{}
	}
	l.told[what] = true
	log.Warn("plugins run in a weaker sandbox, for the kernel lacks a part of it", "lacking", what,
		"hint", "--require-sandbox refuses to work instead")
}
