// Package audit tells of every use of a secret: each file that was decrypted, each
// SealedSecret that was opened, each ExternalSecret that was asked for; with which
// key, for which Application, and whether it went well. Never of a value.
//
// Who listens is in the context, as with net/http/httptrace: see [With]. A stage
// says [Begin], what it calls says [Key], and the stage ends with [Use.End]. A
// [Trail] is a listener that writes the log.
package audit

import (
	"context"
	"slices"
	"sync"
)

// Kinds of uses.
const (
	SOPS     = "sops"
	Sealed   = "sealed-secret"
	External = "external-secret"
)

// An Event is one use of a secret that ended.
type Event struct {
	Application string
	Kind        string
	// What names the file or object: "web/db.yaml", "SealedSecret shop/db".
	What string
	// Stores are the ones that were asked: "ClusterSecretStore vault".
	Stores []string
	// Keys are the public names of those that opened it, such as recipients and
	// fingerprints.
	Keys []string
	// Version tells one content of it from another, within this process.
	Version string
	Err     error
}

// A Use is an Event that has not ended.
type Use struct {
	tell  func(Event)
	mu    sync.Mutex // guards event
	event Event
}

type contextKey int

const (
	listenerKey contextKey = iota
	useKey
)

// With returns a context whose uses are told to listen, which is called by several
// goroutines.
func With(ctx context.Context, listen func(Event)) context.Context {
	return context.WithValue(ctx, listenerKey, listen)
}

// Begin begins a use. What is done with the context that it returns is part of it.
func Begin(ctx context.Context, event Event) (context.Context, *Use) {
	listen, _ := ctx.Value(listenerKey).(func(Event))
	u := &Use{tell: listen, event: event}
	return context.WithValue(ctx, useKey, u), u
}

// Key notes a key that opened what is used. Outside of a use nobody hears it.
func Key(ctx context.Context, name string) {
	u, _ := ctx.Value(useKey).(*Use)
	if u == nil || name == "" {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if !slices.Contains(u.event.Keys, name) {
		u.event.Keys = append(u.event.Keys, name)
	}
}

// End ends the use. One that was called off says nothing of the secret.
func (u *Use) End(ctx context.Context, version string, err error) {
	if u.tell == nil || ctx.Err() != nil {
		return
	}
	u.mu.Lock()
	event := u.event
	u.mu.Unlock()
	event.Version, event.Err = version, err
	slices.Sort(event.Keys)
	u.tell(event)
}
