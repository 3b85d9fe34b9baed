using System.Text.Json;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Models;

/// <summary>OpenAI's GPT-2 vocabulary as a BpeTokenizer.</summary>
internal static class Gpt2
{
    private static BpeTokenizer? _tokenizer;

    public static BpeTokenizer Tokenizer => _tokenizer ??= Create(null, RobertaPreTokenizer.Instance);

    public static BpeTokenizer Create(IReadOnlyDictionary<string, int>? specialTokens, PreTokenizer? preTokenizer)
    {
        using var vocabulary = File.OpenRead(TestData.Require("gpt2-tokenizer/encoder.json"));
        var merges = TestData.Require("gpt2-tokenizer/vocab.bpe");
        return BpeTokenizer.Create(new BpeOptions(JsonSerializer.Deserialize<Dictionary<string, int>>(vocabulary)!)
        {
            Merges = File.ReadLines(merges).Skip(1).Where(line => line.Length > 0),
            ByteLevel = true,
            PreTokenizer = preTokenizer,
            SpecialTokens = specialTokens,
        });
    }
}
