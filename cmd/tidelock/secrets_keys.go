package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/plugins/sops/file"
	"github.com/tidelock-io/tidelock/secrets/inventory"
	"github.com/tidelock-io/tidelock/secrets/recipients"
	"github.com/tidelock-io/tidelock/secrets/sealed"
)

// readable says whether the keys here open something.
type readable string

const (
	readableYes   readable = "yes"
	readableNo    readable = "no"
	readableAsk   readable = "ask"       // its service may know
	readableOther readable = "elsewhere" // the value is with a provider
)

// readerKeys are the keys of the person at the keyboard, by their public halves.
type readerKeys struct {
	held   []recipients.Recipient
	sealed sealed.Keys
	open   bool // try what cannot be told
}

// newReaderKeys finds what sops would find, and reads private keys of
// sealed-secrets.
func newReaderKeys(ctx context.Context, sealingKeys []string, talk io.Writer) (*readerKeys, error) {
	local, err := localAgeKeys()
	if err != nil {
		return nil, err
	}
	keys := &readerKeys{held: gnupgKeys(ctx)}
	for _, key := range local {
		of, err := recipients.Of(key)
		if err != nil {
			fmt.Fprintf(talk, "warning: %v\n", err)
			continue
		}
		keys.held = append(keys.held, of...)
	}
	keys.sealed, err = readSealingKeys(sealingKeys)
	return keys, err
}

// gnupgTime is how long gpg may take to list keys.
const gnupgTime = 10 * time.Second

// gnupgKeys lists the secret keys in the GnuPG home, where sops has gpg look for
// them. There are none without gpg.
func gnupgKeys(ctx context.Context) []recipients.Recipient {
	program, err := exec.LookPath("gpg")
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, gnupgTime)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "--batch", "--no-tty", "--with-colons", "--list-secret-keys").Output()
	if err != nil {
		return nil
	}
	var held []recipients.Recipient
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if fields := strings.Split(lines.Text(), ":"); len(fields) > 9 && fields[0] == "fpr" {
			held = append(held, recipients.Recipient{Kind: recipients.PGP, ID: fields[9], Key: "GnuPG"})
		}
	}
	return held
}

// reads says whether the keys here open an item, and by which, or why not.
func (k *readerKeys) reads(ctx context.Context, item *inventory.Item) (readable, string) {
	switch {
	case item.File != nil:
		return k.readsFile(item)
	case item.Kind == "SealedSecret" && item.Manifest != nil:
		return k.readsSealed(ctx, item)
	case len(item.Stores) > 0:
		return readableOther, strings.Join(item.Stores, ", ")
	}
	return readableNo, ""
}

// readsFile compares recipients, or opens.
func (k *readerKeys) readsFile(item *inventory.Item) (readable, string) {
	// Unlike an agent, a person's machine may log in to clouds by itself.
	answer, by := item.Opens(k.held, true)
	switch {
	case k.open:
		return k.tries(item, by)
	case answer == recipients.Yes:
		return readableYes, strings.Join(by, ", ")
	case answer == recipients.Perhaps:
		return readableAsk, "its service must be asked: --open"
	}
	return readableNo, noKeyHere(k.held)
}

// tries opens a file.
func (k *readerKeys) tries(item *inventory.Item, by []string) (readable, string) {
	if _, err := item.File.Open(file.LocalKeys()); err != nil {
		return readableNo, oneLine(strings.TrimPrefix(err.Error(), item.File.Path+": "))
	}
	if len(by) == 0 {
		by = []string{"its service"}
	}
	return readableYes, strings.Join(by, ", ")
}

func noKeyHere(held []recipients.Recipient) string {
	if len(held) == 0 {
		return "no key is here"
	}
	return "no key here is of its recipients"
}

func (k *readerKeys) readsSealed(ctx context.Context, item *inventory.Item) (readable, string) {
	if len(k.sealed.Fingerprints()) == 0 {
		return readableNo, "no private key of sealed-secrets is given"
	}
	// Templates are not run, for which the values need not be known.
	_, err := sealed.Opener{Keys: k.sealed}.Open(ctx, item.Manifest)
	switch {
	case err == nil:
		return readableYes, strings.Join(k.sealed.Fingerprints(), ", ")
	case errors.Is(err, sealed.ErrTemplate):
		return readableYes, oneLine(err.Error())
	}
	return readableNo, oneLine(err.Error())
}
