namespace Microsoft.ML.Reversible;

/// <summary>Two answers to one prompt as a row of data, for <c>mlContext.Data.LoadFromEnumerable</c>.</summary>
public sealed class PreferenceRow
{
    /// <summary>Who speaks in each turn of the prompt: system, user or assistant.</summary>
    public string[] Roles { get; set; } = [];

    /// <summary>The text of each turn of the prompt, as many as there are roles.</summary>
    public string[] Texts { get; set; } = [];

    /// <summary>The text of the assistant's turn that is preferred.</summary>
    public string Chosen { get; set; } = "";

    /// <summary>The text of the assistant's turn that is not.</summary>
    public string Rejected { get; set; } = "";
}
