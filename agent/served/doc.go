// Package served asks a live cluster what it serves: its version, its kinds, their
// schemas, and the CustomResourceDefinitions behind them. It only reads, and no object
// but these definitions.
//
// Start with [Ask].
package served
