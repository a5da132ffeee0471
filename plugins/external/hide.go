package main

import (
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
)

// minHidden is the length in bytes from which a value is taken out of an error:
// a shorter one is part of too many words.
const minHidden = 4

// hide takes the values out of an error's text. Nobody switches on the kind of
// an error that crosses to the host, so the text is all there is.
func hide(err error, data map[string][]byte) error {
	var pairs []string
	for _, value := range data {
		for _, text := range []string{string(value), strings.TrimSpace(string(value)), base64.StdEncoding.EncodeToString(value)} {
			if len(text) >= minHidden {
				pairs = append(pairs, text, "(hidden)")
			}
		}
	}
	return errors.New(steady(strings.NewReplacer(pairs...).Replace(err.Error())))
}

// ownPort is the part of a network error that is another each time.
var ownPort = regexp.MustCompile(`\b(read|write) (tcp|udp) \S+->`)

// steady puts a text on one line, and leaves out what differs each time: it
// becomes a condition, which is to stay the same as long as its reason does.
func steady(text string) string {
	return ownPort.ReplaceAllString(strings.Join(strings.Fields(text), " "), "$1 $2 ")
}

// errWithheld stands for a reason that may quote values.
var errWithheld = errors.New("the reason may quote values and is withheld")

var position = regexp.MustCompile(`:(\d+):(\d+): executing "`)

// withhold keeps of a template's error where it happened. The rest may quote
// values: {{ fail .password }} would.
func withhold(err error) error {
	all := position.FindAllStringSubmatch(err.Error(), -1)
	if len(all) == 0 {
		return errWithheld
	}
	at := all[len(all)-1]
	return errors.New("it stops at line " + at[1] + ", column " + at[2] + " (" + errWithheld.Error() + ")")
}
