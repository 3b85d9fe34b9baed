namespace Microsoft.ML.Reversible;

/// <summary>A conversation as a row of data, for <c>mlContext.Data.LoadFromEnumerable</c>.</summary>
public sealed class ConversationRow
{
    /// <summary>Who speaks in each turn: system, user or assistant.</summary>
    public string[] Roles { get; set; } = [];

    /// <summary>The text of each turn, as many as there are roles.</summary>
    public string[] Texts { get; set; } = [];
}
