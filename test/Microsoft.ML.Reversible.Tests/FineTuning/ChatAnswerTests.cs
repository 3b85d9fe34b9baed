using Microsoft.ML.Reversible.FineTuning;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

[TestClass]
public sealed class ChatAnswerTests
{
    [TestMethod]
    [DataRow("llama2", " a b ", "a b")]
    [DataRow("llama2", "  a  ", " a ")]
    [DataRow("llama2", " ", "")]
    [DataRow("llama2", "a", "a")]
    [DataRow("mistral", " a b ", "a b ")]
    [DataRow("chatml", " a b ", " a b ")]
    public void TheSpacesOfAFormatAreLeftOut(string format, string text, string expected)
    {
        foreach (int size in (int[])[1, 2, 9]) Assert.AreEqual(expected, Answer(format, text, size, isComplete: true), $"{size}");
    }

    [TestMethod]
    public void TheSpaceAfterAnAnswerIsOfTheFormatOnlyIfTheModelEndedIt() =>
        Assert.AreEqual("a ", Answer("llama2", " a ", 1, isComplete: false));

    private static string Answer(string format, string text, int size, bool isComplete)
    {
        var answer = new ChatAnswer(ChatFormat.Parse(format).Layout);
        string[] pieces = [.. text.Chunk(size).Select(piece => new string(piece)), ""];
        return string.Concat(pieces.Select((piece, i) => answer.Take(piece, i == pieces.Length - 1, isComplete)));
    }
}
