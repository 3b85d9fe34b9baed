namespace Microsoft.ML.Reversible.Tests.Cli;

/// <summary>Cancels when a certain text is written.</summary>
internal sealed class CancellingWriter(CancellationTokenSource cancel, string at) : StringWriter
{
    public override void Write(string? value)
    {
        base.Write(value);
        if (value?.Contains(at, StringComparison.Ordinal) == true) cancel.Cancel();
    }
}
