using System.Xml.Linq;
using Microsoft.ML.Reversible.Build;

if (args is not [var assembly, var documentation])
{
    Console.Error.WriteLine("PublicDocs ASSEMBLY DOCUMENTATION: removes members that are not visible outside the assembly.");
    return 1;
}

IReadOnlyDictionary<string, bool> visible = AssemblyIds.Read(assembly);
XDocument document = XDocument.Load(documentation, LoadOptions.PreserveWhitespace);
bool failed = false;

// MSBuild recognises this format as an error.
void Fail(string message)
{
    Console.Error.WriteLine($"{documentation} : error PublicDocs: {message}");
    failed = true;
}

foreach (XElement member in document.Descendants("member").ToArray())
{
    string id = member.Attribute("name")!.Value;
    if (!visible.TryGetValue(id, out bool isVisible))
    {
        Fail($"'{id}' is not in '{assembly}'.");
        continue;
    }

    if (isVisible)
    {
        // Such a reference could not be resolved in an editor.
        foreach (string target in member.Descendants().Attributes("cref").Select(cref => cref.Value))
        {
            if (visible.TryGetValue(target, out bool isTargetVisible) && !isTargetVisible)
                Fail($"the documentation of '{id}' refers to '{target}', which is not visible outside the assembly.");
        }

        continue;
    }

    if (member.PreviousNode is XText indentation) indentation.Remove();
    member.Remove();
}

if (!failed) document.Save(documentation, SaveOptions.DisableFormatting);
return failed ? 1 : 0;
