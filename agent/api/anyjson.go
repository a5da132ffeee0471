package api

import "bytes"

// AnyJSON is a JSON value of any type, as it was written.
//
// +kubebuilder:validation:Type=""
// +kubebuilder:pruning:PreserveUnknownFields
type AnyJSON struct {
	// Raw is the value's JSON; empty is null.
	Raw []byte `json:"-"`
}

// MarshalJSON returns Raw.
func (j AnyJSON) MarshalJSON() ([]byte, error) {
	if len(j.Raw) == 0 {
		return []byte("null"), nil
	}
	return j.Raw, nil
}

// UnmarshalJSON keeps a copy of data.
func (j *AnyJSON) UnmarshalJSON(data []byte) error {
	j.Raw = bytes.Clone(data)
	return nil
}
