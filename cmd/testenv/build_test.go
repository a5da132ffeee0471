package testenv

import "testing"

// What is built is not built anew where that is known; what is not, is.
func TestBuilt(t *testing.T) {
	if _, err := Program(t.Context(), "devcluster", t.Logf); err != nil {
		t.Fatal(err)
	}
	t.Setenv(builtVariable, "yes")
	said := 0
	say := func(string, ...any) { said++ }
	if _, err := Program(t.Context(), "devcluster", say); err != nil || said > 0 {
		t.Errorf("it says %d lines, %v", said, err)
	}
	if _, err := Program(t.Context(), "nothing", say); err == nil || said == 0 {
		t.Errorf("it says %d lines of a program that nobody knows how to build, %v", said, err)
	}
}
