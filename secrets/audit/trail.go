package audit

import (
	"log/slog"
	"strings"
	"sync"
	"time"
)

// again is how long what was said is not said again.
const again = time.Hour

// maxSaid bounds what is remembered of what was said. Beyond it all is forgotten,
// and said again.
const maxSaid = 50_000

// A Trail writes events to a log, and has them said elsewhere and counted. All are counted; what has
// been said within the hour, of the same content with the same outcome, is not
// said again: a provider may be asked every few seconds, a file that no key opens
// at each pass. It may be used by several goroutines.
type Trail struct {
	Log   *slog.Logger
	Count func(Event)
	// Say is told of what is said in the log; it may be nil.
	Say func(Event)
	// Gone is told of an Application that is forgotten.
	Gone func(application string)
	Now  func() time.Time

	mu   sync.Mutex // guards said
	said map[subject]saying
}

type subject struct{ application, kind, what string }

type saying struct {
	text string
	at   time.Time
	more int // times that it was not said again
}

// Record takes an event.
func (t *Trail) Record(e Event) {
	t.Count(e)
	repeated, news := t.news(e)
	if !news {
		return
	}
	if t.Say != nil {
		t.Say(e)
	}
	attrs := []any{"application", e.Application, "kind", e.Kind, "what", e.What}
	if len(e.Stores) > 0 {
		attrs = append(attrs, "stores", strings.Join(e.Stores, ", "))
	}
	if len(e.Keys) > 0 {
		attrs = append(attrs, "keys", strings.Join(e.Keys, ", "))
	}
	if repeated > 0 {
		attrs = append(attrs, "repeated", repeated)
	}
	if e.Err != nil {
		t.Log.Warn("secret not opened", append(attrs, "error", e.Err)...)
		return
	}
	t.Log.Info("secret opened", attrs...)
}

// news says whether an event is to be told of, and how often the one before was
// not.
func (t *Trail) news(e Event) (repeated int, news bool) {
	now, of := t.Now(), subject{e.Application, e.Kind, e.What}
	text := strings.Join(append(append([]string{e.Version}, e.Keys...), e.Stores...), "\n")
	if e.Err != nil {
		text += "\n" + e.Err.Error()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	was, known := t.said[of]
	if known && was.text == text && now.Sub(was.at) < again {
		was.more++
		t.said[of] = was
		return 0, false
	}
	if t.said == nil || len(t.said) >= maxSaid {
		t.said = map[subject]saying{}
	}
	t.said[of] = saying{text: text, at: now}
	return was.more, true
}

// Forget drops what is kept of an Application that is gone.
func (t *Trail) Forget(application string) {
	t.Gone(application)
	t.mu.Lock()
	defer t.mu.Unlock()
	for of := range t.said {
		if of.application == application {
			delete(t.said, of)
		}
	}
}
