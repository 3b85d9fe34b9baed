namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>
/// The text of an answer as it is generated, without what a format writes before and after it, such as the spaces of Llama 2.
/// </summary>
/// <param name="layout">What the format writes; null for a format of one's own.</param>
internal sealed class ChatAnswer(ChatLayout? layout)
{
    private readonly string _lead = layout?.Lead ?? "", _tail = layout?.TextBeforeEnd ?? "";
    private string _held = "";
    private bool _started;

    /// <summary>Takes a piece and returns what is final.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="isLast">Whether no piece follows.</param>
    /// <param name="isComplete">Whether the model itself ended the answer, so that what a format writes after it may be there.</param>
    public string Take(string piece, bool isLast, bool isComplete)
    {
        string text = _held + piece;
        _held = "";
        if (!_started)
        {
            if (text.Length == 0) return "";
            if (text.StartsWith(_lead, StringComparison.Ordinal)) text = text[_lead.Length..];
            _started = true;
        }
        if (_tail.Length == 0 || !text.EndsWith(_tail, StringComparison.Ordinal)) return text;
        if (!isLast) _held = _tail;
        return isLast && !isComplete ? text : text[..^_tail.Length];
    }
}
