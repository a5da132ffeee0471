package sops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/keys"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sdk/sandbox"
	"github.com/tidelock-io/tidelock/plugins/sops/open"
)

// ServicesPlugin returns the plugin that asks key services, to be served.
func ServicesPlugin(version string) sdk.Plugin {
	return sdk.Plugin{Name: open.Services, Version: version, Decrypter: Services{}, Needs: sandbox.Grants{Network: true}}
}

// Services asks key services for the data keys of a file. Its plain text is the
// material of an open.Answers key.
type Services struct{}

// A patience bounds the asking.
const (
	patience = 10 * time.Second // for one answer
	reserve  = time.Second      // to tell what was answered
)

// A service opens what is encrypted for a recipient, with what logs in there. Its
// error is a *no if it was reworded.
type service func(ctx context.Context, login sdk.Key, recipient keys.MasterKey) ([]byte, error)

var services = map[string]service{
	open.VaultToken: askVault,
	open.AWS:        askAWS,
	open.GCP:        askGCP,
	open.Azure:      askAzure,
}

// Decrypt returns what the services of the file's recipients answered. It is no
// error if they refuse.
func (Services) Decrypt(ctx context.Context, req *sdk.DecryptRequest) (out []byte, err error) {
	err = guarded(req, func() error {
		f, err := load(req)
		if err != nil {
			return err
		}
		out, err = json.Marshal(asked(ctx, &f.tree.Metadata, req.Keys))
		return err
	})
	return out, err
}

// asked asks group by group, until there are enough.
func asked(ctx context.Context, m *sops.Metadata, logins []sdk.Key) answers {
	var all answers
	for _, group := range m.KeyGroups {
		if len(all.Opened) == quorum(m) {
			break
		}
		all.ask(ctx, group, logins)
	}
	return all
}

// ask asks one recipient after the other until one is opened.
func (a *answers) ask(ctx context.Context, group sops.KeyGroup, logins []sdk.Key) {
	for _, recipient := range group {
		for _, login := range logins {
			kind := kindOf(recipient)
			if kind != login.Kind || services[kind] == nil {
				continue
			}
			part, err := patiently(ctx, services[kind], login, recipient)
			if err == nil {
				a.Opened = append(a.Opened, answer{string(recipient.EncryptedDataKey()), part})
				return
			}
			a.Refused = append(a.Refused, refused(login, recipient, err))
		}
	}
}

// patiently asks once, for as long as there is time.
func patiently(ctx context.Context, ask service, login sdk.Key, recipient keys.MasterKey) ([]byte, error) {
	if why := login.Settings[open.Unasked]; why != "" {
		return nil, nof("not asked, because of %s", why)
	}
	wait := patience
	if end, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(end)-reserve)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	part, err := ask(ctx, login, recipient)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, &no{fmt.Sprintf("no answer within %s", max(wait, 0).Round(time.Second)), true}
	case err == nil && (len(part) == 0 || len(part) > maxDataKey):
		return nil, &no{fmt.Sprintf("it answered with %d bytes, which are no data key", len(part)), false}
	}
	return part, err
}

// no is the answer of a service, in words of ours.
type no struct {
	why     string
	failing bool // another time it may be another
}

func (n *no) Error() string { return n.why }

// nof is an answer that stays.
func nof(format string, args ...any) error { return &no{fmt.Sprintf(format, args...), false} }

func refused(login sdk.Key, recipient keys.MasterKey, err error) refusal {
	answer := &no{}
	if !errors.As(err, &answer) {
		answer = reword(err, login)
	}
	return refusal{Recipient: nameOf(recipient), Why: login.Name + ": " + answer.why, Failing: answer.failing}
}
