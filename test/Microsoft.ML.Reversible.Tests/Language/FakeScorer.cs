using Microsoft.ML.Reversible.Language;

namespace Microsoft.ML.Reversible.Tests.Language;

/// <summary>Scores a text by its length and the first byte of the model's archive, and counts how often an archive was opened.</summary>
internal sealed class FakeScorer(byte[] archive) : ITextScorer
{
    public static int Opened { get; private set; }

    /// <summary>Has archives opened as this until it is disposed of.</summary>
    public static IDisposable Install()
    {
        Opened = 0;
        return new Installed(PortableScoreMapping.OpenArchive);
    }

    public TextScore Score(ReadOnlySpan<char> text) => new(-text.Length * archive[0], text.Length, archive[0]);

    private sealed class Installed : IDisposable
    {
        private readonly Func<byte[], ITextScorer> _before;

        public Installed(Func<byte[], ITextScorer> before)
        {
            _before = before;
            PortableScoreMapping.OpenArchive = archive =>
            {
                Opened++;
                return new FakeScorer(archive);
            };
        }

        public void Dispose() => PortableScoreMapping.OpenArchive = _before;
    }
}
