package sops

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/getsops/sops/v3/keys"
)

// answers are what key services said of a file's recipients.
type answers struct {
	Opened  []answer  `json:"opened,omitempty"`
	Refused []refusal `json:"refused,omitempty"`
}

// An answer is a data key, or a group's part of it, and the encrypted text that it
// came from.
type answer struct {
	Encrypted string `json:"encrypted"`
	Part      []byte `json:"part"`
}

// A refusal says why a service did not open a recipient's part.
type refusal struct {
	Recipient string `json:"recipient"`
	Why       string `json:"why"`
	// Failing is set if the service may answer another time.
	Failing bool `json:"failing,omitempty"`
}

func (a *answers) add(material []byte) error {
	var more answers
	if json.Unmarshal(material, &more) != nil { // the error may quote it
		return errors.New("the answers of key services cannot be read")
	}
	a.Opened = append(a.Opened, more.Opened...)
	a.Refused = append(a.Refused, more.Refused...)
	return nil
}

// opened returns the part of a recipient, nil if there is none.
func (a *answers) opened(recipient keys.MasterKey) []byte {
	for _, one := range a.Opened {
		if one.Encrypted == string(recipient.EncryptedDataKey()) {
			return one.Part
		}
	}
	return nil
}

// failing says whether a later try may go better.
func (a *answers) failing() bool {
	for _, r := range a.Refused {
		if r.Failing {
			return true
		}
	}
	return false
}

func (a *answers) refusals() []string {
	var texts []string
	for _, r := range a.Refused {
		texts = append(texts, fmt.Sprintf("%s: %s", r.Recipient, r.Why))
	}
	return texts
}
