package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// checkOutput checks the value of -o. An empty one is for people.
func checkOutput(format string, known ...string) error {
	if format == "" || slices.Contains(known, format) {
		return nil
	}
	last := len(known) - 1
	return fmt.Errorf("-o %s: give %s or %s", format, strings.Join(known[:last], ", "), known[last])
}

// completeOutputs offers the values of -o.
func completeOutputs(known ...cobra.Completion) cobra.CompletionFunc {
	return cobra.FixedCompletions(known, cobra.ShellCompDirectiveNoFileComp)
}
