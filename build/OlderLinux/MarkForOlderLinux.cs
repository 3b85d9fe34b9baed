using System;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace Microsoft.ML.Reversible.Build
{
    /// <summary>
    /// Writes copies of TorchSharp's libLibTorchSharp.so that load where libstdc++ is older than GCC 13.2's.
    /// The file asks for version GLIBCXX_3.4.32 but uses nothing of it: its one symbol of that version, which the compiler adds for
    /// &lt;iostream&gt;, has no relocation. In the copy the need is marked weak.
    /// </summary>
    public sealed class MarkForOlderLinux : Task
    {
        private const string Version = "GLIBCXX_3.4.32";
        private static readonly string[] Unused = { "_ZSt21ios_base_library_initv" };

        /// <summary>The library as its package has it, once for each platform. These files are only read.</summary>
        [Required]
        public ITaskItem[] Sources { get; set; } = Array.Empty<ITaskItem>();

        /// <summary>The folder for the copies.</summary>
        [Required]
        public string Folder { get; set; } = "";

        /// <summary>
        /// What to use in place of <see cref="Sources"/>, with the same metadata: a copy, or the file itself where it does not ask for the
        /// version.
        /// </summary>
        [Output]
        public ITaskItem[] Marked { get; set; } = Array.Empty<ITaskItem>();

        /// <inheritdoc/>
        public override bool Execute()
        {
            Marked = Sources.Select(Mark).ToArray();
            return !Log.HasLoggedErrors;
        }

        private ITaskItem Mark(ITaskItem source)
        {
            var path = source.GetMetadata("FullPath");
            try
            {
                var bytes = File.ReadAllBytes(path);
                if (!new VersionNeeds(bytes).MarkWeak(Version, Unused))
                    return source;
                var copy = Path.Combine(Folder, FolderOf(source), Path.GetFileName(path));
                if (!File.Exists(copy) || !File.ReadAllBytes(copy).SequenceEqual(bytes))
                    Write(copy, bytes);
                var marked = new TaskItem(copy);
                source.CopyMetadataTo(marked);
                return marked;
            }
            catch (Exception e) when (e is IOException || e is InvalidDataException || e is UnauthorizedAccessException)
            {
                Log.LogError(
                    "ReversibleOlderLinux: '{0}' cannot be made to load on older Linux distributions: {1}. " +
                    "Without ReversibleOlderLinux the file is used as it is.",
                    path,
                    e.Message);
                return source;
            }
        }

        // The runtime identifier where a build has several, such as linux-x64 and linux-arm64; empty where it has one.
        private static string FolderOf(ITaskItem source)
        {
            var relative = source.GetMetadata("RuntimeIdentifier");
            return relative.IndexOfAny(Path.GetInvalidFileNameChars()) < 0 ? relative : "";
        }

        // Under another name first, then renamed: a running program may have the last copy mapped.
        // The time of writing stays its own: a copy of the same size and time as the original would be taken for unchanged.
        private static void Write(string copy, byte[] bytes)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            var temporary = copy + "." + Guid.NewGuid().ToString("N");
            try
            {
                File.WriteAllBytes(temporary, bytes);
                if (File.Exists(copy))
                    File.Replace(temporary, copy, null);
                else
                    File.Move(temporary, copy);
            }
            finally
            {
                File.Delete(temporary);
            }
        }
    }
}
