package validate

import "github.com/tidelock-io/tidelock/plugins/strict"

// ReadPolicies reads which directories of a repository have policies, of a
// .tidelock.yaml:
//
//	validate:
//	  policies: [platform/policies]
func ReadPolicies(file string, text []byte) ([]string, error) {
	var c configuration
	if err := strict.Decode(file, text, &c); err != nil {
		return nil, err
	}
	return c.Validate.Policies, nil
}
