package webhook

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// maxMemory is what the bodies of all requests may take together.
const maxMemory = 64 << 20

// bodyWithin is how long a sender may take for a body. Git servers send theirs in one
// go.
const bodyWithin = 15 * time.Second

// errCrowded says that there is no memory left for another body.
var errCrowded = errors.New("no memory left")

// budget is memory that many share.
type budget struct {
	mu   sync.Mutex // guards left
	left int64
}

// take takes some, if there is enough.
func (b *budget) take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < n {
		return false
	}
	b.left -= n
	return true
}

func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += n
}

// read reads a body. Memory is taken as it comes in, not as it is announced, so that
// who says much and sends little takes little. What the returned slice can hold is
// what was taken, also with an error.
func (h *Webhook) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	// Not every ResponseWriter knows deadlines; that of a server does.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyWithin))
	from := http.MaxBytesReader(w, r.Body, h.config.MaxBytes)
	var body []byte
	for {
		if len(body) == cap(body) {
			var ok bool
			if body, ok = h.grow(body); !ok {
				return body, errCrowded
			}
		}
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return body, err
		}
	}
}

// grow returns a body with more room, if there is memory for it.
func (h *Webhook) grow(body []byte) ([]byte, bool) {
	size := min(max(16<<10, 2*int64(cap(body))), h.config.MaxBytes+1)
	if !h.memory.take(size) {
		return body, false
	}
	more := append(make([]byte, 0, size), body...)
	h.memory.give(int64(cap(body)))
	return more, true
}
