namespace Microsoft.ML.Reversible.Cli;

/// <summary>Thrown when the input or an option is wrong; the message is one line that says what.</summary>
internal sealed class UsageException(string message, Exception? inner = null) : Exception(message, inner);
