using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Text;

namespace Microsoft.ML.Reversible.Language;

/// <summary>What is to be continued.</summary>
/// <param name="Ids">The ids, at least one.</param>
/// <param name="MakeDecoder">Makes what turns the new ids into text; null where only ids are wanted.</param>
internal sealed record Prompt(IReadOnlyList<int> Ids, Func<TokenDecoder>? MakeDecoder)
{
    /// <summary>
    /// A text to continue. A token that only begins texts stands before each, as in Llama's models; where one token both ends and begins
    /// them, as in GPT-2's, it stands before none. Which it is, is the tokenizer's to say: a config.json may name a token that its
    /// tokenizer never puts before a text. An empty text is the token of an empty context.
    /// </summary>
    /// <exception cref="ArgumentException">The text has a character that the vocabulary cannot represent.</exception>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    public static Prompt Of(LanguageModel model, string text)
    {
        LanguageModelTokenizer tokenizer = model.Tokenizer;
        int[] ids = tokenizer.Encode(text);
        int[] before = BeginsTexts(model) ? [tokenizer.BeginOfTextId] : ids.Length == 0 ? [tokenizer.PrefixId] : [];
        return new([.. before, .. ids], () => tokenizer.CreateDecoder(continuation: ids.Length > 0));
    }

    /// <summary>Whether the tokenizer puts the token that begins a text before every text, as Llama's does.</summary>
    public static bool BeginsTexts(LanguageModel model) => !Ends(model).Contains(model.Tokenizer.BeginOfTextId);

    /// <summary>
    /// The ids that end a generated text: those of generation_config.json, as transformers takes them, or those that end any.
    /// </summary>
    public static IReadOnlySet<int> EndsOfGeneration(LanguageModel model) =>
        model.SpecialTokens.EndOfGeneration is { } ends ? ends.ToHashSet() : Ends(model);

    /// <summary>The ids that end a text, none where nobody names any.</summary>
    public static IReadOnlySet<int> Ends(LanguageModel model)
    {
        HashSet<int> ends = [.. model.SpecialTokens.EndOfText];
        if (model.HasTokenizer) ends.Add(model.Tokenizer.EndOfTextId);
        return ends;
    }
}
