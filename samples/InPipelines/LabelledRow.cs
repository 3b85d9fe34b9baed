using Quickstart;

namespace InPipelines;

/// <summary>A text, and whether its words are in order.</summary>
internal sealed class LabelledRow
{
    public string Text { get; set; } = "";

    public bool Label { get; set; }

    /// <summary>Makes sentences of stories; every second one with its words shuffled.</summary>
    public static LabelledRow[] Make(int count, int seed)
    {
        var random = new Random(seed);
        return
        [
            .. Stories.Make(count, seed).Select((story, i) =>
            {
                string[] words = string.Join(". ", story.Text.Split(". ").Take(2)).Split(' ');
                if (i % 2 == 1) random.Shuffle(words);
                return new LabelledRow { Text = string.Join(' ', words), Label = i % 2 == 0 };
            }),
        ];
    }
}

/// <summary>The output of the pipeline.</summary>
internal sealed class Prediction
{
    public float Probability { get; set; }
}
