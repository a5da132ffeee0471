package forge

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/git"
	"github.com/tidelock-io/tidelock/secrets"
)

// An appInstallation is an App as somebody has installed it.
type appInstallation struct {
	app, installation int64
	base, owner, key  string // key is a mark of the private key
}

// An appToken is for an hour or less.
type appToken struct {
	value   secrets.Value
	expires time.Time
}

// appMargin is how long before its end a token is not used any more.
const appMargin = 5 * time.Minute

// appPermissions are what generators need, and no more.
var appPermissions = map[string]string{"metadata": "read", "contents": "read", "pull_requests": "read"}

// appToken gives a server a token of the GitHub App whose credentials are in a Secret,
// with the keys that repositories have, too.
func (a *Answers) appToken(ctx context.Context, s *server, name, owner string) error {
	items, err := a.apps().Secret(ctx, name)
	if err != nil {
		return fmt.Errorf("appSecretName: %w", err)
	}
	app, err := appOf(items)
	if err != nil {
		return fmt.Errorf("appSecretName: Secret %s: %w", name, err)
	}
	app.BaseURL = s.base.String() // the generator's own, that no token is shown elsewhere
	if s.token, err = a.forge.appToken(ctx, s, app, owner); err != nil {
		return fmt.Errorf("appSecretName: Secret %s: %w", name, err)
	}
	s.secret = "the GitHub App of Secret " + name
	return nil
}

func appOf(items map[string]secrets.Value) (git.App, error) {
	var app git.App
	for key, number := range map[string]*int64{"githubAppID": &app.ID, "githubAppInstallationID": &app.Installation} {
		value, ok := items[key]
		if !ok && key != "githubAppID" {
			continue
		}
		var err error
		if *number, err = strconv.ParseInt(strings.TrimSpace(string(value.Reveal())), 10, 64); err != nil {
			return app, fmt.Errorf("%s is no number", key)
		}
	}
	app.PrivateKey = items["githubAppPrivateKey"]
	return app, nil
}

func (f *Forge) appToken(ctx context.Context, s *server, app git.App, owner string) (secrets.Value, error) {
	id := appInstallation{app.ID, app.Installation, app.BaseURL, owner, app.PrivateKey.Mark()}
	f.mu.Lock()
	known := f.tokens[id]
	f.mu.Unlock()
	if time.Until(known.expires) > appMargin {
		return known.value, nil
	}
	value, expires, err := git.AppToken(ctx, app, owner, appPermissions, s.client)
	if err != nil {
		return secrets.Value{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for old, token := range f.tokens {
		if time.Now().After(token.expires) {
			delete(f.tokens, old)
		}
	}
	f.tokens[id] = appToken{value, expires}
	return value, nil
}
