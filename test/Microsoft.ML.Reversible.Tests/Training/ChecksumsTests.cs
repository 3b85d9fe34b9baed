using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Tests.Training;

[TestClass]
public sealed class ChecksumsTests
{
    [TestMethod]
    public void WholeFilesAgreeWithTheList()
    {
        using ScratchFolder folder = Written();
        Checksums.Verify(folder.FullName);
        Assert.AreEqual(
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n",
            File.ReadAllLines(folder.File(Checksums.FileName))[0] + "\n");
    }

    [TestMethod]
    [DataRow("a", "abd")]
    [DataRow("a", "")]
    [DataRow("a", null)]
    [DataRow(Checksums.FileName, "")]
    [DataRow(Checksums.FileName, null)]
    [DataRow(Checksums.FileName, "nonsense")]
    [DataRow(Checksums.FileName, "00  ../a")]
    [DataRow(Checksums.FileName, "00  /etc/hostname")]
    public void WhatDoesNotAgreeIsNamed(string file, string? content)
    {
        using ScratchFolder folder = Written();
        if (content is null) File.Delete(folder.File(file));
        else File.WriteAllText(folder.File(file), content);
        var e = Assert.ThrowsExactly<InvalidDataException>(() => Checksums.Verify(folder.FullName));
        StringAssert.Contains(e.Message, folder.FullName);
    }

    private static ScratchFolder Written()
    {
        var folder = new ScratchFolder();
        File.WriteAllText(folder.File("a"), "abc");
        File.WriteAllText(folder.File("b"), "");
        Checksums.Write(folder.FullName);
        return folder;
    }
}
