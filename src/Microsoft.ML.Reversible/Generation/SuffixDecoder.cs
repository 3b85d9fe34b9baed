using Microsoft.ML.Reversible.Text;

namespace Microsoft.ML.Reversible.Generation;

/// <summary>Turns ids into text one by one: a character comes out when its last byte is there.</summary>
internal sealed class SuffixDecoder(LanguageModelTokenizer tokenizer)
{
    private const int LongestCharacter = 4;

    private readonly List<int> _pending = [];

    /// <summary>Takes one more id. Gives the text that became whole with it.</summary>
    public string Append(int id)
    {
        _pending.Add(id);
        string text = tokenizer.Decode(_pending.ToArray());
        if (text.EndsWith('\uFFFD') && _pending.Count < LongestCharacter) return "";
        _pending.Clear();
        return text;
    }

    /// <summary>What is left at the end.</summary>
    public string Finish()
    {
        string text = tokenizer.Decode(_pending.ToArray());
        _pending.Clear();
        return text;
    }
}
