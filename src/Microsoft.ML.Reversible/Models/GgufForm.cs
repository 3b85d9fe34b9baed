namespace Microsoft.ML.Reversible.Models;

/// <summary>How llama.cpp's GGUF files describe a model and name its weights.</summary>
/// <param name="Architecture">llama.cpp's name of the architecture.</param>
/// <param name="Metadata">The keys, without the architecture before them, and their values.</param>
/// <param name="Names">
/// The names of weights by those in Hugging Face's files, both without <c>.weight</c> and <c>.bias</c>; those of a block's weights without
/// the block's prefix too.
/// </param>
internal sealed record GgufForm(
    string Architecture, IReadOnlyList<(string Key, object Value)> Metadata, IReadOnlyDictionary<string, string> Names)
{
    /// <summary>
    /// The number of heads of the matrices whose rows are stored with the two halves of each head interleaved, as llama.cpp's rotary
    /// positions of this architecture need them; by their names in Hugging Face's files.
    /// </summary>
    public IReadOnlyDictionary<string, int> Interleaved { get; init; } = new Dictionary<string, int>();

    /// <summary>What each rotary frequency is divided by; null for 1.</summary>
    public float[]? FrequencyDivisors { get; init; }

    /// <summary>Returns the exception for a model that llama.cpp does not compute as it is computed here.</summary>
    public static NotSupportedException Refusal(string what) =>
        new($"The model cannot be saved as a GGUF file: {what}.");
}
