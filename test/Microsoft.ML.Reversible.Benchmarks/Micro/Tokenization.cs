using BenchmarkDotNet.Attributes;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Benchmarks.Micro;

/// <summary>
/// Times byte-pair encoding of 100,000 words, 0.6 MB, drawn from 20,000 random words with the frequencies of real text: learning 4,096
/// tokens, and encoding.
/// </summary>
public class Tokenization : MicroBenchmark
{
    private string _text = "";
    private LanguageModelTokenizer _tokenizer = null!;

    [GlobalSetup]
    public void Make()
    {
        _text = Text(Size(100_000, 2_000), Size(20_000, 500));
        _tokenizer = LanguageModelTokenizer.Learn([_text], TextTokenization.Bpe, VocabularySize);
    }

    [Benchmark]
    public object Learn() => LanguageModelTokenizer.Learn([_text], TextTokenization.Bpe, VocabularySize);

    [Benchmark]
    public int[] Encode() => _tokenizer.Encode(_text);

    private static int VocabularySize => Size(4096, 300);

    private static string Text(int length, int distinct)
    {
        var random = new Random(1);
        string[] words = [.. Enumerable.Range(0, distinct).Select(_ => Word())];
        // Zipf's law: uniform in the logarithm of the rank.
        return string.Join(' ', Enumerable.Range(0, length).Select(_ => words[(int)Math.Pow(distinct, random.NextDouble()) - 1]));

        string Word() => new([.. Enumerable.Range(0, random.Next(2, 9)).Select(_ => (char)('a' + random.Next(26)))]);
    }
}
