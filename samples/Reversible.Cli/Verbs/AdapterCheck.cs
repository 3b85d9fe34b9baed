namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>
/// Refuses a run before its first step if tokens were added to the vocabulary and the adapter alone would be written: it fits only a model
/// with these tokens, which no folder would hold.
/// </summary>
/// <param name="next">Receives the report first.</param>
internal sealed class AdapterCheck(IProgress<FineTuneReport> next) : IProgress<FineTuneReport>
{
    /// <inheritdoc/>
    /// <exception cref="UsageException">Tokens were added.</exception>
    public void Report(FineTuneReport value)
    {
        next.Report(value);
        if (value.AddedTokenCount > 0)
            throw new UsageException(
                $"The model's vocabulary lacks {value.AddedTokenCount} tokens of the chat format or of --added-tokens, and an adapter that "
                + "is trained with them does not fit the model. Set --merge-adapter to write the whole model, or another --chat-format.");
    }
}
