"""The tables of the scan reports of a migration: their names, their columns, and which of those hold numbers.

The first five are the predecessor's, with its columns first (Microsoft's documentation of Mover, "Scan reports").
"""

WHO = ("Username", "Schedule ID")
SUMMARY = "ScanSummaryReport"
COMMON, EXTENSIONS, LARGE, LONG = "CommonPathReport", "FilesExtensionReport", "LargeFilesReport", "LongPathReport"
NAMES, NATIVE, DUPLICATES = "NameIssuesReport", "NativeDocumentsReport", "DuplicateNamesReport"

TABLES: dict[str, tuple[str, ...]] = {
    SUMMARY: (
        *("Status", "Source Path", "Destination Path", "Files", "Data (MB)", "Notes", "Migrate (Y/N)"),
        *(*WHO, "Readiness", "Status Code", "Scanned At", "Folders", "Bytes", "Files Too Large"),
        *("Paths Too Long", "Names To Be Fitted", "Duplicate Names", "Native Documents", "Cannot Be Copied"),
        *("Folders Not Listed", "Estimated Seconds", "Estimated Time", "Bound By", "Tags"),
    ),
    COMMON: (
        *(*WHO, "Common Path Name", "Common Path Length", "Longest Child Name Length", "Total Children", "Type"),
        *("Longest If Moved To The Top", "Limit", "What To Do"),
    ),
    LONG: (*WHO, "Long Path Folder or File", "Length", "Limit", "Counted In", "What", "Over The Limit", "Type"),
    NAMES: (*WHO, "Path", "Type", "Name", "Fitted Name", "Fitted Path", "Why"),
    DUPLICATES: (*WHO, "Path", "Type", "Same Name As", "One Name At The Destination", "What Happens"),
    LARGE: (*WHO, "Path", "Bytes", "Data (MB)", "Limit (Bytes)", "Too Large"),
    NATIVE: (*WHO, "Path", "Type", "What It Is", "Carried Over", "As", "What To Do"),
    EXTENSIONS: ("File Extension", "Files", "Bytes", "Data (MB)"),
}
"""In the order in which a workbook shows them: what has to be looked at comes first."""
