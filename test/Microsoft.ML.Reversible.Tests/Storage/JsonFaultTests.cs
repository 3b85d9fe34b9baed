using System.Text.Json;
using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.Tests.Storage;

[TestClass]
public sealed class JsonFaultTests
{
    [TestMethod]
    [DataRow("{\n\"a\": 1,\n}", "line 3: ", "trailing comma")]
    [DataRow("{\n\"a\": x}", "line 2: ", "'x'")]
    [DataRow("", "line 1: ", "")]
    public void TheLineIsCountedFromOneAndNothingIsForPrograms(string json, string beginning, string reason)
    {
        string text = JsonFault.Of(Fault(() => JsonDocument.Parse(json)));
        StringAssert.StartsWith(text, beginning);
        StringAssert.Contains(text, reason);
        foreach (string word in (string[])["LineNumber", "BytePosition", "reader options", "Path:"])
            Assert.IsFalse(text.Contains(word), text);
    }

    [TestMethod]
    public void AnotherErrorKeepsItsMessage() => Assert.AreEqual("gone", JsonFault.Of(new InvalidDataException("gone")));

    private static Exception Fault(Action parse)
    {
        try
        {
            parse();
        }
        catch (Exception e)
        {
            return e;
        }
        throw new AssertFailedException("It is JSON.");
    }
}
