package api

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const maxLabelValue = 63

// AppLabel returns the value of [LabelApp] for an instance name: the name itself or,
// since a label's value ends at 63 bytes, its beginning and a hash of the whole.
func AppLabel(instance string) string {
	if len(instance) <= maxLabelValue {
		return instance
	}
	sum := sha256.Sum256([]byte(instance))
	hash := hex.EncodeToString(sum[:8])
	head := instance[:maxLabelValue-len(hash)-1]
	return strings.TrimRight(head, "-_.") + "-" + hash
}
